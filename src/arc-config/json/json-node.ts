/**
 * JSON as a tree that remembers where each value stands, and Go's way of writing it.
 *
 * `JSON.parse` would lose three things that arc.json needs: the line of a fault, numbers as they
 * were written, and members that we do not know.
 */
export type JsonNode = JsonLiteral | JsonString | JsonArray | JsonObject;

/** null, true, false or a number, as its own text. */
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

/** A value made by us stands nowhere. */
const NOWHERE = 0;

export function jsonNull(): JsonLiteral {
  return { kind: 'null', text: 'null', offset: NOWHERE };
}

export function jsonBoolean(value: boolean): JsonLiteral {
  return { kind: 'boolean', text: String(value), offset: NOWHERE };
}

/** @param value an integer */
export function jsonInteger(value: number): JsonLiteral {
  return { kind: 'number', text: String(value), offset: NOWHERE };
}

export function jsonString(value: string): JsonString {
  return { kind: 'string', value, offset: NOWHERE };
}

export function jsonArray(items: readonly JsonNode[]): JsonArray {
  return { kind: 'array', items, offset: NOWHERE };
}

export function jsonStrings(values: readonly string[]): JsonArray {
  return jsonArray(values.map(jsonString));
}

export function jsonObject(members: readonly JsonMember[]): JsonObject {
  return { kind: 'object', members, offset: NOWHERE };
}

/** Writes as Go's encoding/json does with an indent of two spaces; no newline at the end. */
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

/** What Go escapes beyond JSON.stringify: HTML's three, and the two JavaScript line separators. */
const GO_ESCAPES = /[<>&\u2028\u2029]/g;

function quote(value: string): string {
  // Go holds text as UTF-8, in which half a surrogate pair cannot stand; it writes U+FFFD.
  return JSON.stringify(value.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    GO_ESCAPES,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
