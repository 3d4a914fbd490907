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
    const leave = this.enter();
    try {
      return make();
    } finally {
      leave();
    }
  }

  /**
   * Moves this thread into the namespace: what it opens or starts from now on is there.
   *
   * @returns a function that moves it back
   */
  enter(): () => void {
    const setns = this.#libc.bind('int setns(int, int)');
    const before = openSync('/proc/thread-self/ns/net', 'r');
    const own = openSync(`/run/netns/${this.name}`, 'r');
    try {
      if (setns(own, CLONE_NEWNET) < 0) {
        closeSync(before);
        throw new Error(`cannot enter ${this.name}`);
      }
    } finally {
      closeSync(own);
    }
    return () => {
      setns(before, CLONE_NEWNET);
      closeSync(before);
    };
  }

  close(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}
