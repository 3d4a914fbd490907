/**
 * A JSON tree that records the offset of each value, with a formatter that writes like Go.
 *
 * `JSON.parse` would lose three things that arc.json needs: the line of a fault, the original text
 * of numbers, and unknown members.
 */
export type JsonNode = JsonLiteral | JsonString | JsonArray | JsonObject;

/** null, true, false or a number, in its original text. */
export interface JsonLiteral {
  readonly kind: 'null' | 'boolean' | 'number';
  readonly text: string;
  readonly offset: number;
}

export interface JsonString {
  readonly kind: 'string';
  readonly value: string;
  readonly offset: number;
}

export interface JsonArray {
  readonly kind: 'array';
  readonly items: readonly JsonNode[];
  readonly offset: number;
}

export interface JsonObject {
  readonly kind: 'object';
  readonly members: readonly JsonMember[];
  readonly offset: number;
}

export interface JsonMember {
  readonly key: string;
  readonly value: JsonNode;
}

/** The offset of values that do not come from a file. */
const NOWHERE = 0;

/** A value to convert to a node; numbers must be integers. */
export type JsonValue = JsonNode | null | boolean | number | string | readonly JsonValue[];

export function jsonNode(value: JsonValue): JsonNode {
  const offset = NOWHERE;
  if (value === null) return { kind: 'null', text: 'null', offset };
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value), offset };
  if (typeof value === 'number') return { kind: 'number', text: String(value), offset };
  if (typeof value === 'string') return { kind: 'string', value, offset };
  return 'kind' in value ? value : { kind: 'array', items: value.map(jsonNode), offset };
}

export function jsonObject(members: readonly JsonMember[]): JsonObject {
  return { kind: 'object', members, offset: NOWHERE };
}

/** Formats like Go's encoding/json with a two-space indent, without a trailing newline. */
export function formatJson(node: JsonNode, indent = ''): string {
  switch (node.kind) {
    case 'string':
      return quote(node.value);
    case 'array':
      return formatList(
        '[]',
        node.items.map((item) => formatJson(item, `${indent}  `)),
        indent,
      );
    case 'object':
      return formatList(
        '{}',
        node.members.map(({ key, value }) => `${quote(key)}: ${formatJson(value, `${indent}  `)}`),
        indent,
      );
    case 'null':
    case 'boolean':
    case 'number':
      return node.text;
  }
}

function formatList(brackets: '[]' | '{}', lines: readonly string[], indent: string): string {
  if (lines.length === 0) return brackets;
  const body = lines.map((line) => `${indent}  ${line}`).join(',\n');
  return `${brackets.charAt(0)}\n${body}\n${indent}${brackets.charAt(1)}`;
}

/** Characters that only Go escapes: <, > and &, and the two JavaScript line separators. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

function quote(value: string): string {
  // Go strings are UTF-8, which cannot encode a lone surrogate, so Go writes it as U+FFFD.
  return JSON.stringify(value.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    GO_ESCAPES,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
