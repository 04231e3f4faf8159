using System.Reflection;
using System.Runtime.CompilerServices;
using Halfbit.Tests.Support;

namespace Halfbit.Tests.House;

/// <summary>The public surface of the library is a decision: it changes only together with its list.</summary>
public sealed class PublicApiTests
{
    private const string Switch = "HALFBIT_WRITE_PUBLIC_API";

    [Fact]
    public void The_public_surface_is_the_one_that_is_written_down()
    {
        string path = Path.Combine(TestData.Root, "tests", "Halfbit.Tests", "House", "PublicApi.txt");
        string[] actual = [.. typeof(Halfbit.Numerics.Matrix).Assembly.GetExportedTypes().SelectMany(Lines).Distinct().Order(StringComparer.Ordinal)];
        if (Environment.GetEnvironmentVariable(Switch) == "1") File.WriteAllText(path, string.Join('\n', actual) + "\n");
        string[] written = File.ReadAllText(path).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] difference = [.. written.Except(actual).Select(line => "- " + line), .. actual.Except(written).Select(line => "+ " + line)];
        Assert.True(
            difference.Length == 0,
            $"the public surface has changed; if that is meant, run this test once with {Switch}=1 and commit tests/Halfbit.Tests/House/PublicApi.txt:\n{string.Join('\n', difference)}");
    }

    private static IEnumerable<string> Lines(Type type)
    {
        yield return $"{NameOf(type)}: {KindOf(type)}";
        if (type.IsEnum)
        {
            foreach (string name in Enum.GetNames(type)) yield return $"{NameOf(type)}.{name} = {Convert.ToInt64(Enum.Parse(type, name), null)}";
            yield break;
        }

        if (typeof(Delegate).IsAssignableFrom(type)) yield break;
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (MemberInfo member in type.GetMembers(All))
        {
            if (member.IsDefined(typeof(CompilerGeneratedAttribute)) || member.Name.Contains('<', StringComparison.Ordinal)) continue;
            if (Line(type, member) is string line) yield return line;
        }
    }

    private static string? Line(Type type, MemberInfo member) => member switch
    {
        ConstructorInfo { IsStatic: false } constructor when IsVisible(constructor) => $"{NameOf(type)}({Parameters(constructor)})",
        FieldInfo field when field.IsPublic => $"{NameOf(type)}.{field.Name}: {NameOf(field.FieldType)}",
        PropertyInfo property when property.GetAccessors(true).Any(IsVisible)
            => $"{NameOf(type)}.{property.Name}{Index(property)}: {NameOf(property.PropertyType)} {{{string.Concat(property.GetAccessors(true).Where(IsVisible).Select(Accessor).Order(StringComparer.Ordinal))} }}",
        MethodInfo { IsSpecialName: false } method when IsVisible(method) && !IsFromRecord(type, method) => $"{NameOf(type)}.{method.Name}({Parameters(method)}): {NameOf(method.ReturnType)}",
        _ => null,
    };

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    /// <summary>What every record gets from the compiler without a mark on it.</summary>
    private static bool IsFromRecord(Type type, MethodInfo method) => method.Name is "Equals" or "GetHashCode" or "ToString" or "PrintMembers" && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;

    private static string Accessor(MethodInfo accessor)
        => accessor.ReturnType != typeof(void) ? " get;" : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;";

    private static string Index(PropertyInfo property)
        => property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(p => NameOf(p.ParameterType)))}]" : "";

    private static string Parameters(MethodBase method)
        => string.Join(", ", method.GetParameters().Select(p => $"{NameOf(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? " = …" : "")}"));

    private static string KindOf(Type type)
    {
        string kind = type.IsEnum ? "enum" : typeof(Delegate).IsAssignableFrom(type) ? $"delegate ({Parameters(type.GetMethod("Invoke")!)}) → {NameOf(type.GetMethod("Invoke")!.ReturnType)}"
            : type.IsInterface ? "interface" : type.IsValueType ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        return type is { IsClass: true, BaseType: Type parent } && parent != typeof(object) && !typeof(Delegate).IsAssignableFrom(type) ? $"{kind} : {NameOf(parent)}" : kind;
    }

    private static string NameOf(Type type)
    {
        if (type.IsByRef) return "ref " + NameOf(type.GetElementType()!);
        if (type.IsArray) return NameOf(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter) return type.Name;
        string name = type.DeclaringType is null ? $"{type.Namespace}.{type.Name}" : $"{NameOf(type.DeclaringType)}.{type.Name}";
        if (type.Namespace == "System" && type.DeclaringType is null) name = type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : name;
    }
}
