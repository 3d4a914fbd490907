#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Error: cannot run on Node ${process.versions.node}: arctun needs Node 20.19 or later\n` +
      '  Install a newer Node, or use the single executable, which has its own.\n',
  );
  process.exit(1);
}
await import('../dist/bundle/npm.js');
