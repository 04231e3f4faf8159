@echo off
rem Runs the command line from a clone: builds (quickly when nothing has changed), then runs the Release build.
setlocal
set "root=%~dp0"
dotnet build "%root%src\Halfbit.Cli\Halfbit.Cli.csproj" -c Release --nologo -v quiet 1>&2 || exit /b 1
dotnet "%root%src\Halfbit.Cli\bin\Release\net10.0\Halfbit.Cli.dll" %*
exit /b %errorlevel%
