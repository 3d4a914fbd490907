/** Reads everything reachable from an object, calling only getters and iterators. */
import { types } from 'node:util';

export interface Reached {
  /** The path from the root. */
  readonly path: string;
  readonly bytes?: Uint8Array;
  readonly text?: string;
}

/**
 * Bytes and texts that are reachable from `root`: own properties of all kinds, getters, entries.
 */
export function reach(root: unknown, name: string): Reached[] {
  const walk = new Walk();
  walk.from(root, name);
  return walk.reached;
}

class Walk {
  readonly reached: Reached[] = [];
  readonly #seen = new Set<object>();
  readonly #waiting: { value: unknown; path: string }[] = [];

  from(root: unknown, path: string): void {
    this.#waiting.push({ value: root, path });
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) {
      this.#visit(next.value, next.path);
    }
  }

  #visit(value: unknown, path: string): void {
    if (typeof value === 'string') this.reached.push({ path, text: value });
    if (typeof value === 'symbol') this.reached.push({ path, text: value.toString() });
    if (typeof value === 'bigint') this.reached.push({ path, text: value.toString(16) });
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
    if (this.#seen.has(value)) return;
    this.#seen.add(value);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
      // A view exposes its whole buffer.
      const memory = ArrayBuffer.isView(value) ? value.buffer : value;
      this.reached.push({ path, bytes: new Uint8Array(memory) });
      return;
    }
    if (Array.isArray(value) && value.every((item) => Number.isInteger(item))) {
      this.reached.push({ path, bytes: Uint8Array.from(value as number[]) });
    }
    this.#properties(value, path);
    this.#entries(value, path);
  }

  #properties(value: object, path: string): void {
    for (const key of Reflect.ownKeys(value)) this.#property(value, key, path);
    let prototype = Object.getPrototypeOf(value) as object | null;
    while (prototype !== null && prototype !== Object.prototype) {
      for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (Object.hasOwn(descriptor, 'get')) this.#property(value, key, path);
      }
      prototype = Object.getPrototypeOf(prototype) as object | null;
    }
  }

  #property(value: object, key: string | symbol, path: string): void {
    const at = `${path}.${String(key)}`;
    this.#waiting.push({ value: key, path: at });
    try {
      this.#waiting.push({ value: Reflect.get(value, key), path: at });
    } catch (error) {
      this.#waiting.push({ value: error, path: `${at} throws` });
    }
  }

  #entries(value: object, path: string): void {
    if (!(Symbol.iterator in value)) return;
    try {
      let index = 0;
      for (const entry of value as Iterable<unknown>) {
        this.#waiting.push({ value: entry, path: `${path}[${index++}]` });
      }
    } catch (error) {
      // Some objects cannot be iterated, such as the prototype of Map.
      this.#waiting.push({ value: error, path: `${path}[] throws` });
    }
  }
}
