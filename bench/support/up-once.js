/** Runs `arctun up` in this process, and stops it as soon as it reports that the tunnel is up. */
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (text, ...rest) => {
  if (String(text).includes('"forward"')) process.kill(process.pid, 'SIGTERM');
  return write(text, ...rest);
};
process.argv.splice(
  2,
  Infinity,
  ...['up', '--forward-listen', '127.0.0.1:0', '--json', '--log-level', 'error'],
);
await import('../../bin/run.js');
