import { runProfileCommand } from '../../../src/app/credentials/profile-command.js';
import { CommandError, type CommandFailure } from '../../../src/ports/command-runner.js';
import { refusal } from './exposed.js';
import { MemoryPorts } from './memory-ports.js';

let ports: MemoryPorts;
beforeEach(() => {
  ports = new MemoryPorts();
});

function run(command: string, signal?: AbortSignal): Promise<string> {
  return runProfileCommand(command, 'the profile p', ports.commands, signal);
}

it.each<[string, string[]]>([
  ['op item get soracom --format json', ['op', 'item', 'get', 'soracom', '--format', 'json']],
  [`op 'a b' "c d" e\\ f`, ['op', 'a b', 'c d', 'e f']],
  [`op '$X *.x | y # z'`, ['op', '$X *.x | y # z']],
  [`op "a\\"b" "" \\$X`, ['op', 'a"b', '', '$X']],
  [`op "it's" 'say "hi"'`, ['op', "it's", 'say "hi"']],
  ['  op\n x\t', ['op', 'x']],
  [`sh -c 'cat a | jq .'`, ['sh', '-c', 'cat a | jq .']],
])('splits %j as a shell would', async (command, words) => {
  ports.programs.set(words[0]!, { exitCode: 0, stdout: 'out', stderr: 'err' });
  expect(await run(command)).toBe('out');
  expect(ports.runs[0]!.command).toEqual(words);
});

it.each([
  ['op | jq .', `the command contains the shell operator "|"`],
  ['op && op', `the command contains the shell operator "&&"`],
  ['op; op', `the command contains the shell operator ";"`],
  ['op > file', `the command contains the shell operator ">"`],
  ['op $HOME/x', 'the command contains the variable "$HOME"'],
  ['op "$HOME/x"', 'the command contains the variable "$HOME"'],
  ['op ${HOME}', 'the command contains the variable "$HOME"'],
  ['op $(cat x)', 'the command contains the variable "$"'],
  ['op ${', 'the command contains an incomplete variable'],
  ['op `cat x`', 'the command contains a backtick'],
  ['op *.json', 'the command contains the pattern "*.json"'],
  ['op # comment', 'the command contains a comment, which begins with "#"'],
  ['op "open', 'the command has an unclosed quote or ends in a backslash'],
  ["op 'open", 'the command has an unclosed quote or ends in a backslash'],
  ['op \\', 'the command has an unclosed quote or ends in a backslash'],
  [' ', 'the command is empty'],
])('refuses %j, which needs a shell', async (command, why) => {
  expect(await refusal(run(command))).toMatchObject({
    kind: 'configuration',
    what: 'cannot run the profileCommand in the profile p',
    why,
    next: [
      'Write a program and its arguments, and quote special characters: arctun does not use a shell.',
      "For pipes and variables, use a script, or sh -c '...'.",
    ],
  });
  expect(ports.runs).toEqual([]);
});

it('gives the command a minute, and passes it the signal', async () => {
  ports.programs.set('op', { exitCode: 0, stdout: '', stderr: '' });
  const { signal } = new AbortController();
  await run('op', signal);
  expect(ports.runs[0]!.options).toEqual({ timeout: 60_000, signal });
  await run('op');
  expect(ports.runs[1]!.options).toEqual({ timeout: 60_000 });
});

it.each([
  [1, 'op exited with status 1: not signed in'],
  [undefined, 'op was terminated by a signal: not signed in'],
])('shows one line of its errors and nothing of its output (%s)', async (exitCode, why) => {
  const stderr = '\r\n \t\n  not\x1bsigned\x07in \nsecond line\n';
  ports.programs.set('op', { exitCode, stdout: 'secret-1', stderr });
  const error = await refusal(run('op'));
  expect(error).toMatchObject({ kind: 'failed', why });
  expect(JSON.stringify([error.what, error.why, error.next])).not.toMatch(/secret-1|second/);
});

it.each<[CommandFailure, string, string]>([
  ['not-found', 'configuration', 'Install the program, or write its full path without "~".'],
  ['denied', 'permission', 'Run the command by itself to find the cause.'],
  ['timeout', 'failed', 'Run the command by itself to find the cause.'],
  ['too-much-output', 'failed', 'Run the command by itself to find the cause.'],
  ['failed', 'failed', 'Run the command by itself to find the cause.'],
])('says what to do when it is %s', async (failure, kind, next) => {
  ports.programs.set('op', new CommandError(failure, 'the reason'));
  const what = 'cannot run the profileCommand in the profile p';
  expect(await refusal(run('op'))).toMatchObject({ kind, what, why: 'the reason', next: [next] });
});
