/**
 * Brings the tree of a JSON text into the one form that a zod model checks, with the leniency of Go's
 * encoding/json, which soratun reads with: names match in any case, duplicates join, null leaves a
 * value at zero. What the model does not know is set aside and kept.
 */
import type * as z from 'zod/mini';
import {
  jsonArray,
  jsonString,
  type JsonMember,
  type JsonNode,
  type JsonObject,
} from './json-node.js';

/** A tree that follows a model: its objects are canonical. */
export type CanonicalNode = JsonNode | CanonicalObject;

/** An object that the model knows, with its members told apart. */
export interface CanonicalObject extends JsonObject {
  /** By the model's names; none of them is null. */
  readonly known: ReadonlyMap<string, CanonicalNode>;
  /** In the order of the text; of duplicates the last. */
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

/** Go folds case by Unicode, where the long s is an s and the Kelvin sign a k. */
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

/** An array's null is its element's zero, where that is a string or an array. */
function zeroForNull(item: JsonNode, element: Model): JsonNode {
  if (item.kind !== 'null') return item;
  const { type } = unwrap(element)._zod.def;
  if (type === 'string') return { ...jsonString(''), offset: item.offset };
  if (type === 'array') return { ...jsonArray([]), offset: item.offset };
  return item;
}

/** The model behind what says that it may be absent. */
export function unwrap(model: Model): Model {
  const { def } = model._zod as z.core.$ZodTypes['_zod'];
  return 'innerType' in def ? unwrap(def.innerType) : model;
}

/**
 * The value for the model. A number that is not written as an integer is NaN: arc.json has no other
 * numbers, and Go takes neither `1420.0` nor `1e3` for one.
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
      // Adding zero makes one zero of the two.
      return /^-?\d+$/.test(node.text) ? Number(node.text) + 0 : NaN;
    case 'boolean':
      return node.text === 'true';
    case 'null':
      return null;
  }
}

/** The node to which a path of the model's names leads; undefined when there is none. */
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

/** The members that the model does not know, of the object to which a path leads. */
export function unknownMembersAt(
  root: CanonicalNode,
  path: readonly PropertyKey[],
): readonly JsonMember[] {
  const node = nodeAt(root, path);
  return node && 'known' in node ? node.unknown : [];
}
