/** Searches for secrets in a program's objects and in their printed forms. */
import { inspect } from 'node:util';
import { findSecrets } from '../support/secret-search.js';
import { reach } from './object-walk.js';

/** Shorter than any searched part of a secret. */
const SHORTEST_TEXT = 8;

/** Secrets of 32 bytes, or as text, by name. */
export class KnownSecrets {
  readonly #keys = new Map<string, { name: string; bytes: Buffer }>();
  readonly #texts: Record<string, string> = {};

  add(name: string, secret: Uint8Array | string): void {
    if (typeof secret === 'string') {
      this.#texts[name] = secret;
      return;
    }
    // A copy, since the secret may be wiped later.
    const bytes = Buffer.from(secret);
    const text = bytes.toString('base64');
    if (this.#keys.has(text)) return;
    const numbered = `${name} ${this.#keys.size}`;
    this.#keys.set(text, { name: numbered, bytes });
    this.#texts[numbered] = text;
  }

  /** The number of different keys. */
  get size(): number {
    return this.#keys.size;
  }

  /** The places where `root` or its printed form exposes a secret; empty if none. */
  exposedBy(root: unknown, name: string): string[] {
    const reached = [...reach(root, name), ...reach(cloneOf(root), `the clone of ${name}`)];
    const texts = reached.filter(({ text }) => text !== undefined && text.length >= SHORTEST_TEXT);
    return [
      ...reached.flatMap(({ bytes, path }) =>
        bytes === undefined ? [] : this.#inBytes(bytes, path),
      ),
      ...this.#inTexts(texts.map(({ text, path }) => [path, text!])),
      ...printedForms(root).flatMap(([how, text]) => this.#inTexts([[`${how} of ${name}`, text]])),
    ];
  }

  #inBytes(bytes: Uint8Array, path: string): string[] {
    const buffer = Buffer.from(bytes);
    return [...this.#keys.values()]
      .filter((key) => halvesOf(key.bytes).some((half) => buffer.includes(half)))
      .map((key) => `${path}: ${key.name}`);
  }

  /** Searches all texts at once, and one by one only after a match. */
  #inTexts(texts: readonly (readonly [path: string, text: string])[]): string[] {
    const whole = texts.map(([, text]) => text).join('\n');
    if (this.#inText(whole).length === 0) return [];
    return texts.flatMap(([path, text]) => this.#inText(text).map((what) => `${path}: ${what}`));
  }

  #inText(text: string): string[] {
    const lowerCase = text.toLowerCase();
    return [
      ...findSecrets(text, this.#texts).map(({ secret, form }) => `${secret}, ${form}`),
      ...[...this.#keys.values()]
        .filter(({ bytes }) => partsAsText(bytes).some((part) => lowerCase.includes(part)))
        .map((key) => `part of ${key.name}`),
      // One character per byte.
      ...this.#inBytes(Buffer.from(text, 'latin1'), 'text'),
    ];
  }
}

/** The halves of a key, to find a truncated one. */
function halvesOf(key: Buffer): Buffer[] {
  return [key.subarray(0, 16), key.subarray(8, 24), key.subarray(16)];
}

/** Half of a key in the forms in which bytes are printed, in lower case. */
function partsAsText(key: Buffer): string[] {
  const middle = key.subarray(8, 24);
  // 18 bytes in 24 characters, so that the part begins and ends at a group boundary.
  const base64 = key.toString('base64').slice(8, 32);
  return [middle.toString('hex'), middle.join(), middle.join(', '), base64].map((text) =>
    text.toLowerCase(),
  );
}

function printedForms(root: unknown): [how: string, printed: string][] {
  const options = {
    showHidden: true,
    depth: Infinity,
    maxArrayLength: null,
    maxStringLength: null,
  };
  const inspected = inspect(root, { ...options, getters: true });
  return [
    ['inspection', inspected],
    // Lists of bytes are printed in aligned lines.
    ['inspection without space', inspected.replaceAll(/\s/g, '')],
    ['inspection without its own forms', inspect(root, { ...options, customInspect: false })],
    ['JSON', jsonOf(root)],
    ['text', String(root)],
  ];
}

/** JSON.stringify without repeated objects; returns the error if a getter throws. */
function jsonOf(root: unknown): string {
  const seen = new Set<unknown>();
  try {
    return jsonWithout(seen, root) ?? '';
  } catch (error) {
    return inspect(error);
  }
}

function jsonWithout(seen: Set<unknown>, root: unknown): string | undefined {
  return JSON.stringify(root, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString(16);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return undefined;
    seen.add(value);
    return ArrayBuffer.isView(value) ? Buffer.from(value.buffer).toString('hex') : value;
  });
}

function cloneOf(root: unknown): unknown {
  try {
    return structuredClone(root);
  } catch (error) {
    return error;
  }
}
