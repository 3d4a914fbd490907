/**
 * Runs a command until it ends, or until standard input is closed: the command then gets SIGTERM.
 * Therefore, no tunnel stays open if the smoke test is killed. Usage: `node leash.js PROGRAM …`
 */
import { spawn } from 'node:child_process';

const [program, ...parameters] = process.argv.slice(2);
const child = spawn(program, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
process.stdin.resume().on('close', () => child.kill('SIGTERM'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => process.exit(code ?? 1));
