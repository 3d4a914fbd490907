import type { ArcConfigFault } from './arc-config-error.js';
import type { JsonMember, JsonNode } from './json-node.js';

/** What an object's member may be said of: its value, or that it is a secret and is not shown. */
export type Visibility = 'shown' | 'secret';

/**
 * Reads values out of a JSON tree with soratun's (Go's encoding/json's) leniency: null leaves a
 * value at zero, a type is never converted. What does not fit becomes a fault and reads as zero,
 * so that one pass finds them all.
 */
export class NodeReader {
  readonly faults: ArcConfigFault[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  fault(node: JsonNode, keyPath: string, expected: string, visibility: Visibility = 'shown'): void {
    const found = describe(node, visibility);
    this.faults.push({ line: lineOf(this.#text, node.offset), keyPath, found, expected });
  }

  string(node: JsonNode | undefined, path: string, visibility: Visibility = 'shown'): string {
    if (node === undefined || node.kind === 'null') return '';
    if (node.kind === 'string') return node.value;
    this.fault(node, path, 'a string', visibility);
    return '';
  }

  boolean(node: JsonNode | undefined, path: string): boolean {
    if (node === undefined || node.kind === 'null') return false;
    if (node.kind === 'boolean') return node.text === 'true';
    this.fault(node, path, 'true or false');
    return false;
  }

  /** An integer written as one: Go takes neither `1420.0` nor `1e3` nor `"1420"`. */
  integer(node: JsonNode | undefined, path: string, limits: { min: number; max: number }): number {
    if (node === undefined || node.kind === 'null') return 0;
    const value = node.kind === 'number' && /^-?\d+$/.test(node.text) ? Number(node.text) : NaN;
    if (value >= limits.min && value <= limits.max) return value === 0 ? 0 : value;
    this.fault(node, path, describeIntegers(limits));
    return 0;
  }

  /** A string that `parse` understands; undefined when it is absent, null or wrong. */
  parsed<T>(
    node: JsonNode | undefined,
    path: string,
    syntax: { parse: (text: string) => T | undefined; expected: string; visibility?: Visibility },
  ): T | undefined {
    if (node === undefined || node.kind === 'null') return undefined;
    const value = node.kind === 'string' ? syntax.parse(node.value) : undefined;
    if (value === undefined) this.fault(node, path, syntax.expected, syntax.visibility);
    return value;
  }

  /** The items of an array, each read by `readItem`; null when it is absent or null. */
  list<T>(
    node: JsonNode | undefined,
    path: string,
    readItem: (item: JsonNode, itemPath: string) => T,
  ): T[] | null {
    if (node === undefined || node.kind === 'null') return null;
    if (node.kind === 'array') {
      return node.items.map((item, index) => readItem(item, `${path}[${index}]`));
    }
    this.fault(node, path, 'an array');
    return null;
  }
}

/** The members of one object: those we know by their name, and the others. */
export interface KnownMembers<Name extends string> {
  readonly known: Partial<Record<Name, JsonNode>>;
  readonly unknown: readonly JsonMember[];
}

/**
 * Sorts members by name. Names match in any case; of duplicates the last wins, but null overwrites
 * no scalar and objects merge, as in encoding/json.
 */
export function sortMembers<Name extends string>(
  members: readonly JsonMember[],
  names: readonly Name[],
): KnownMembers<Name> {
  const byFoldedName = new Map(names.map((name) => [name.toLowerCase(), name]));
  const known: Partial<Record<Name, JsonNode>> = {};
  const unknown = new Map<string, JsonMember>();
  for (const member of members) {
    const name = byFoldedName.get(member.key.toLowerCase());
    if (name === undefined) unknown.set(member.key, member);
    else known[name] = joinDuplicates(known[name], member.value);
  }
  return { known, unknown: [...unknown.values()] };
}

function joinDuplicates(first: JsonNode | undefined, second: JsonNode): JsonNode {
  if (first === undefined) return second;
  if (first.kind === 'object' && second.kind === 'object') {
    return { ...second, members: [...first.members, ...second.members] };
  }
  const isScalar = first.kind !== 'object' && first.kind !== 'array';
  return isScalar && second.kind === 'null' ? first : second;
}

/** The line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

const SHOWN_LENGTH = 60;

function describe(node: JsonNode, visibility: Visibility): string {
  switch (node.kind) {
    case 'array':
    case 'object':
      return `an ${node.kind}`;
    case 'string':
      if (visibility === 'secret') return `a string of ${node.value.length} characters`;
      return clip(JSON.stringify(node.value));
    case 'number':
      return visibility === 'secret' ? 'a number' : clip(node.text);
    case 'boolean':
    case 'null':
      return node.text;
  }
}

function clip(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}

function describeIntegers({ min, max }: { min: number; max: number }): string {
  if (min === Number.MIN_SAFE_INTEGER) return 'an integer';
  return `an integer from ${min} to ${max}`;
}
