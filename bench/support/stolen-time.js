/**
 * The share of this machine's CPU time that a hypervisor used for other machines. Meanwhile, wall-clock
 * times and the CPU time of a thread grow without progress.
 */
import { readFileSync } from 'node:fs';

/** The columns of `cpu` in /proc/stat, without those that `user` and `nice` include (proc_stat(5)). */
const COLUMNS = 8;
const STEAL = 7;

export class StolenTime {
  #read;
  #start;

  /** @param read returns the text of /proc/stat */
  constructor(read = () => readFileSync('/proc/stat', 'utf8')) {
    this.#read = read;
    this.#start = times(read());
  }

  /** Returns the share since the start, such as `0.4 %`. */
  toString() {
    const spent = times(this.#read()).map((time, column) => time - this.#start[column]);
    const sum = spent.reduce((total, time) => total + time, 0);
    return `${((100 * spent[STEAL]) / Math.max(sum, 1)).toFixed(1)} %`;
  }
}

function times(text) {
  return text
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1, 1 + COLUMNS)
    .map(Number);
}
