/**
 * Converts a JSON tree to the form that a zod model checks. The conversion is as lenient as Go's
 * encoding/json, which soratun uses. Member names match in any case, duplicate members are merged,
 * and null has no effect. Members unknown to the model are kept separately.
 */
import type * as z from 'zod/mini';
import { jsonNode, type JsonMember, type JsonNode, type JsonObject } from './json-node.js';

/** A tree in which all objects that the model knows are canonical. */
export type CanonicalNode = JsonNode | CanonicalObject;

/** An object of the model, with known and unknown members separated. */
export interface CanonicalObject extends JsonObject {
  /** Known members by the model's names; no value is null. */
  readonly known: ReadonlyMap<string, CanonicalNode>;
  /** Unknown members in their original order; only the last of duplicate members is kept. */
  readonly unknown: readonly JsonMember[];
}

export type Model = z.core.$ZodType;

export function canonicalise(node: JsonNode, model: Model): CanonicalNode {
  const { def } = unwrap(model)._zod as z.core.$ZodTypes['_zod'];
  if (node.kind === 'object' && def.type === 'object') return canonicalObject(node, def.shape);
  if (node.kind === 'array' && def.type === 'array') {
    const items = node.items.map((item) =>
      canonicalise(zeroForNull(item, def.element), def.element),
    );
    return { ...node, items };
  }
  return node;
}

function canonicalObject(
  node: JsonObject,
  shape: Readonly<Record<string, Model>>,
): CanonicalObject {
  const names = new Map(Object.keys(shape).map((name) => [fold(name), name]));
  const joined = new Map<string, JsonNode>();
  const unknown = new Map<string, JsonMember>();
  for (const member of node.members) {
    const name = names.get(fold(member.key));
    if (name === undefined) unknown.set(member.key, member);
    else joined.set(name, joinDuplicates(joined.get(name), member.value));
  }
  const known = new Map<string, CanonicalNode>();
  for (const [name, model] of Object.entries(shape)) {
    const value = joined.get(name);
    if (value && value.kind !== 'null') known.set(name, canonicalise(value, model));
  }
  return { ...node, known, unknown: [...unknown.values()] };
}

/** Folds case by Unicode rules, like Go: the long s is treated as s, and the Kelvin sign as k. */
export function fold(name: string): string {
  return name.replaceAll('\u017f', 's').toLowerCase();
}

function joinDuplicates(first: JsonNode | undefined, second: JsonNode): JsonNode {
  if (first === undefined) return second;
  if (first.kind === 'object' && second.kind === 'object') {
    return { ...second, members: [...first.members, ...second.members] };
  }
  const isScalar = first.kind !== 'object' && first.kind !== 'array';
  return isScalar && second.kind === 'null' ? first : second;
}

/** Replaces a null array item with the zero value of its type, if that type is string or array. */
function zeroForNull(item: JsonNode, element: Model): JsonNode {
  if (item.kind !== 'null') return item;
  const { type } = unwrap(element)._zod.def;
  if (type === 'string') return { ...jsonNode(''), offset: item.offset };
  if (type === 'array') return { ...jsonNode([]), offset: item.offset };
  return item;
}

/** Removes optional and default wrappers from a model. */
export function unwrap(model: Model): Model {
  const { def } = model._zod as z.core.$ZodTypes['_zod'];
  return 'innerType' in def ? unwrap(def.innerType) : model;
}

/**
 * Converts a node to the plain value that the model checks. Numbers that are not written as
 * integers become NaN, because all numbers in arc.json are integers, for which Go rejects `1420.0`
 * and `1e3`.
 */
export function plainValue(node: CanonicalNode): unknown {
  switch (node.kind) {
    case 'object':
      return 'known' in node
        ? Object.fromEntries([...node.known].map(([name, value]) => [name, plainValue(value)]))
        : {};
    case 'array':
      return node.items.map(plainValue);
    case 'string':
      return node.value;
    case 'number':
      // Adding zero turns -0 into 0.
      return /^-?\d+$/.test(node.text) ? Number(node.text) + 0 : NaN;
    case 'boolean':
      return node.text === 'true';
    case 'null':
      return null;
  }
}

/** Returns the node at a path of member names; undefined if not found. */
export function nodeAt(
  root: CanonicalNode,
  path: readonly PropertyKey[],
): CanonicalNode | undefined {
  let node: CanonicalNode | undefined = root;
  for (const step of path) {
    if (node?.kind === 'array') node = node.items[Number(step)];
    else node = node && 'known' in node ? node.known.get(String(step)) : undefined;
  }
  return node;
}

/** Returns the unknown members of the object at a path. */
export function unknownMembersAt(
  root: CanonicalNode,
  path: readonly PropertyKey[],
): readonly JsonMember[] {
  const node = nodeAt(root, path);
  return node && 'known' in node ? node.unknown : [];
}
