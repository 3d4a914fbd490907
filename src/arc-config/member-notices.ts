/** Finds members of arc.json that the parser accepts but that are probably mistakes. */
import { distance } from 'fastest-levenshtein';
import type * as z from 'zod/mini';
import { inOrder } from './arc-config-error.js';
import { fold, type Model, unwrap } from './json/canonical-tree.js';
import type { JsonMember, JsonNode, JsonObject } from './json/json-node.js';
import { shownText } from './json/shown-value.js';

export interface ConfigNotice {
  /** A warning reports a probable mistake; a note reports a member that arctun does not use. */
  readonly kind: 'warning' | 'note';
  readonly line: number;
  /** For example `unknown member "mtuu"; did you mean "mtu"?` */
  readonly text: string;
}

type Shape = Readonly<Record<string, Model>>;

/**
 * Lists unknown and duplicate members, sorted by line.
 *
 * @param lineOf returns the line of an offset, starting at 1
 */
export function memberNotices(
  root: JsonNode,
  model: Model,
  lineOf: (offset: number) => number,
): ConfigNotice[] {
  const notices: ConfigNotice[] = [];
  const shape = shapeOf(model);
  if (root.kind === 'object' && shape) inspect(root, shape, []);
  return inOrder(notices);

  function inspect(node: JsonObject, known: Shape, path: readonly string[]): void {
    const names = new Map(Object.keys(known).map((name) => [fold(name), name]));
    const places = new Map<string, JsonMember[]>();
    for (const member of node.members) {
      const name = names.get(fold(member.key));
      const place = name ?? member.key;
      places.set(place, [...(places.get(place) ?? []), member]);
      const inner = name === undefined ? undefined : shapeOf(known[name]);
      if (path.length === 0 && member.key === '$schema') continue;
      if (name === undefined && path.length <= 1) noteUnknown(member, known);
      else if (inner && member.value.kind === 'object')
        inspect(member.value, inner, [...path, place]);
    }
    for (const [name, members] of places)
      if (members.length > 1) noteTwice([...path, name], members);
  }

  function noteUnknown({ key, value }: JsonMember, known: Shape): void {
    const line = lineOf(value.offset);
    const unknown = `unknown member ${shownText(key, false)}`;
    const meant = nearest(key, Object.keys(known));
    const home = shape && known === shape ? homeOf(key, shape) : undefined;
    if (meant !== undefined) {
      notices.push({ kind: 'warning', line, text: `${unknown}; did you mean "${meant}"?` });
    } else if (home !== undefined) {
      notices.push({ kind: 'warning', line, text: `${unknown}; move it to "${home}"` });
    } else {
      notices.push({
        kind: 'note',
        line,
        text: `${unknown}; arctun ignores it, but keeps it in the file`,
      });
    }
  }

  function noteTwice(path: readonly string[], members: readonly JsonMember[]): void {
    const name = shownText(path.join('.'), false);
    const lines = [...new Set(members.map(({ value }) => lineOf(value.offset)))];
    const last = lines.at(-1) ?? 0;
    const where = lines.length > 1 ? `on lines ${lines.join(' and ')}` : 'on this line';
    const areObjects = members.every(({ value }) => value.kind === 'object');
    const effect = areObjects ? 'their members are merged' : 'the last one is used';
    notices.push({
      kind: 'warning',
      line: last,
      text: `${name} occurs ${members.length === 2 ? 'twice' : `${members.length} times`}, ${where}; ${effect}`,
    });
  }
}

/** Returns the members of a zod object model; undefined for any other model. */
function shapeOf(model: Model | undefined): Shape | undefined {
  if (model === undefined) return undefined;
  const { def } = unwrap(model)._zod as z.core.$ZodTypes['_zod'];
  return def.type === 'object' ? def.shape : undefined;
}

/** Finds the top-level object of arc.json that has a member with this name. */
function homeOf(key: string, shape: Shape): string | undefined {
  return Object.keys(shape).find((name) =>
    Object.keys(shapeOf(shape[name]) ?? {}).some((inner) => fold(inner) === fold(key)),
  );
}

/** Finds the known name that `key` most likely misspells: `privateKey` for `private_key`. */
function nearest(key: string, names: readonly string[]): string | undefined {
  const text = bare(key);
  // Skip long names, because they are not misspellings, and comparing them is slow.
  if (text === '' || text.length > 40) return undefined;
  const limit = Math.max(1, Math.floor(text.length / 4));
  const ranked = names
    .map((name) => ({ name, slips: distance(text, bare(name)) }))
    .filter(({ slips }) => slips <= limit)
    .toSorted((first, second) => first.slips - second.slips);
  return ranked[0]?.name;
}

function bare(name: string): string {
  return fold(name).replaceAll(/[^a-z0-9]/g, '');
}
