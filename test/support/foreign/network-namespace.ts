/** A test file's own network namespace, in which this process can create sockets and devices. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import type { Libc } from '../../../src/system/linux/libc.js';

const CLONE_NEWNET = 0x40000000;

let serial = 0;

export class NetworkNamespace {
  readonly name = `an${process.pid}${serial++}`;
  readonly #libc: Libc;

  constructor(libc: Libc) {
    this.#libc = libc;
    execFileSync('ip', ['netns', 'add', this.name]);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** Runs `ip` in the namespace and returns its output. */
  ip(...parameters: readonly string[]): string {
    return execFileSync('ip', ['-n', this.name, ...parameters], { encoding: 'utf8' });
  }

  /** Prefixes a command so that it runs in the namespace. */
  exec(...command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...command];
  }

  /** Calls the synchronous `make` with this thread in the namespace; what it opens stays there. */
  inside<Made>(make: () => Made): Made {
    const setns = this.#libc.bind('int setns(int, int)');
    const [ours, theirs] = ['/proc/thread-self/ns/net', `/run/netns/${this.name}`].map((path) =>
      openSync(path, 'r'),
    ) as [number, number];
    try {
      if (setns(theirs, CLONE_NEWNET) < 0) throw new Error(`cannot enter ${this.name}`);
      return make();
    } finally {
      setns(ours, CLONE_NEWNET);
      closeSync(ours);
      closeSync(theirs);
    }
  }

  close(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}
