/** Stores the result of each run as one JSON line, so that completed runs are not repeated. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export class Results {
  #file;
  #byKey = new Map();

  /** @param label identifies what was measured; results with other labels are kept but ignored */
  constructor(file, label) {
    this.#file = file;
    this.label = label;
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) this.#load();
  }

  get size() {
    return this.#byKey.size;
  }

  has(key) {
    return this.#byKey.has(key);
  }

  add(result) {
    this.#byKey.set(result.key, result);
    appendFileSync(this.#file, `${JSON.stringify({ ...result, label: this.label })}\n`);
  }

  /** Returns all results of one stack in a cell. */
  of(name, stack) {
    return [...this.#byKey.values()].filter(
      (result) => result.name === name && result.stack === stack,
    );
  }

  #load() {
    const text = readFileSync(this.#file, 'utf8');
    // Ignore an incomplete last line, which remains if the process was killed.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) writeFileSync(this.#file, whole);
    for (const line of whole.split('\n').filter(Boolean)) {
      const result = JSON.parse(line);
      if (result.label === this.label) this.#byKey.set(result.key, result);
    }
  }
}

export function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
