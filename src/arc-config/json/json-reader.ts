import type { JsonMember, JsonNode } from './json-node.js';

/**
 * The error for input that is not JSON (RFC 8259), with the position and what was expected there.
 */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  readonly offset: number;
  readonly found: string;
  readonly expected: string;

  constructor(offset: number, found: string, expected: string) {
    super(`found ${found}, expected ${expected}`);
    this.offset = offset;
    this.found = found;
    this.expected = expected;
  }
}

/** The maximum nesting depth, so that no input can exhaust the stack. */
const MAX_DEPTH = 100;

/**
 * Parses a string that consists of exactly one JSON value. Comments, trailing commas, a byte order
 * mark and trailing text are errors, as in Go's encoding/json.
 * @throws JsonSyntaxError
 */
export function readJson(text: string): JsonNode {
  return new JsonReader(text).readDocument();
}

const LITERALS: Readonly<Record<string, 'null' | 'boolean'>> = {
  null: 'null',
  true: 'boolean',
  false: 'boolean',
};
const WHITE_SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z]+/y;
// RFC 8259 section 7: every character except the quote, the backslash and control characters.
const UNESCAPED = /[\u0020-\u0021\u0023-\u005b\u005d-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class JsonReader {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): JsonNode {
    const node = this.#readValue(0);
    this.#skipWhiteSpace();
    if (this.#offset < this.#text.length) this.#fail('the end of the text');
    return node;
  }

  #readValue(depth: number): JsonNode {
    this.#skipWhiteSpace();
    const offset = this.#offset;
    switch (this.#text.charAt(offset)) {
      case '{':
        return { kind: 'object', members: this.#readMembers(depth), offset };
      case '[':
        return { kind: 'array', items: this.#readItems(depth), offset };
      case '"':
        return { kind: 'string', value: this.#readString(), offset };
      default:
        return this.#readLiteral(offset);
    }
  }

  #readMembers(depth: number): JsonMember[] {
    return this.#readList(depth, '}', () => {
      this.#skipWhiteSpace();
      if (this.#text[this.#offset] !== '"') this.#fail('a key in double quotes');
      const key = this.#readString();
      this.#skipWhiteSpace();
      if (this.#text[this.#offset] !== ':') this.#fail('":" after the key');
      this.#offset++;
      return { key, value: this.#readValue(depth + 1) };
    });
  }

  #readItems(depth: number): JsonNode[] {
    return this.#readList(depth, ']', () => this.#readValue(depth + 1));
  }

  /** Reads the items or members of a list, from its opening bracket to `closing`. */
  #readList<T>(depth: number, closing: string, readOne: () => T): T[] {
    if (depth >= MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels of nesting`);
    this.#offset++;
    this.#skipWhiteSpace();
    const list: T[] = [];
    if (this.#text[this.#offset] === closing) {
      this.#offset++;
      return list;
    }
    for (;;) {
      list.push(readOne());
      this.#skipWhiteSpace();
      const character = this.#text[this.#offset];
      if (character !== ',' && character !== closing) this.#fail(`"," or "${closing}"`);
      this.#offset++;
      if (character === closing) return list;
    }
  }

  #readString(): string {
    const start = this.#offset++;
    for (;;) {
      this.#take(UNESCAPED);
      if (this.#text[this.#offset] === '"') break;
      if (this.#text[this.#offset] !== '\\') this.#fail('the closing quote of the string');
      if (this.#take(ESCAPE) === '') this.#fail('a valid JSON escape sequence');
    }
    this.#offset++;
    const text = JSON.parse(this.#text.slice(start, this.#offset)) as string;
    // Go strings are UTF-8, which cannot encode a lone surrogate, so Go replaces it with U+FFFD.
    return text.replace(/\p{Surrogate}/gu, '\ufffd');
  }

  #readLiteral(offset: number): JsonNode {
    const number = this.#take(NUMBER);
    if (number !== '') return { kind: 'number', text: number, offset };
    const word = this.#take(WORD);
    const kind = Object.hasOwn(LITERALS, word) ? LITERALS[word] : undefined;
    if (kind !== undefined) return { kind, text: word, offset };
    this.#offset = offset;
    return this.#fail('a JSON value');
  }

  #skipWhiteSpace(): void {
    this.#take(WHITE_SPACE);
  }

  /**
   * Consumes the match of the sticky `pattern` at the current offset; returns '' without a match.
   */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text)?.[0] ?? '';
    this.#offset += match.length;
    return match;
  }

  /**
   * Throws an error that shows only one character, because the characters around it may be a
   * secret.
   */
  #fail(expected: string): never {
    throw new JsonSyntaxError(this.#offset, describeCharacter(this.#text, this.#offset), expected);
  }
}

function describeCharacter(text: string, offset: number): string {
  const code = text.codePointAt(offset);
  if (code === undefined) return 'the end of the text';
  if (code === 0xfeff) return 'a byte order mark';
  if (code === 0x0a || code === 0x0d) return 'the end of the line';
  if (code < 0x20) return `control character U+${code.toString(16).padStart(4, '0')}`;
  return `\`${String.fromCodePoint(code)}\``;
}
