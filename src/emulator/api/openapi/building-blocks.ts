/** Shared building blocks of the OpenAPI document. */
import type { Document } from 'openapi-backend';

export type Schemas = NonNullable<NonNullable<Document['components']>['schemas']>;
export type Paths = NonNullable<Document['paths']>;

export const text = { type: 'string' } as const;
export const milliseconds = { type: 'integer', format: 'int64' } as const;
export const texts = { type: 'array', items: text } as const;
export const tagSet = { type: 'object', additionalProperties: text } as const;

export const DEFAULT_PAGE = 10;

interface Operation {
  operationId: string;
  summary: string;
  parameters?: ReturnType<typeof inPath | typeof inQuery>[];
  requestBody?: ReturnType<typeof json>;
  responses: Record<string, { description: string }>;
}

/** Describes an operation whose callers must send the headers of a signed-in user. */
export function operation(tag: string, { responses, ...rest }: Operation) {
  return {
    ...rest,
    tags: [tag],
    security: [{ apiKey: [], token: [] }],
    responses: { ...responses, default: refused() },
  };
}

export function inPath(name: string) {
  return { name, in: 'path' as const, required: true, schema: text };
}

export function inQuery(name: string, schema: object) {
  return { name, in: 'query' as const, required: false, schema };
}

/** A query parameter that may be repeated. */
export function listInQuery(name: string) {
  return { ...inQuery(name, texts), explode: true };
}

export const simIdParameter = inPath('sim_id');

/** @param maximum the largest accepted `limit`; if undefined, larger limits return fewer items */
export function pageParameters(maximum?: number) {
  const bound = maximum === undefined ? {} : { maximum };
  return [
    inQuery('limit', { type: 'integer', minimum: 1, default: DEFAULT_PAGE, ...bound }),
    inQuery('last_evaluated_key', text),
  ];
}

export function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

export function json(name: string) {
  return { required: true, content: { 'application/json': { schema: ref(name) } } };
}

export function answer(description: string, name: string) {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

/** Describes a response with one page of a list, and a header with the next page's key. */
export function pageOf(description: string, name: string) {
  const schema = { type: 'array', items: ref(name) };
  return {
    description,
    headers: { 'x-soracom-next-key': { schema: text } },
    content: { 'application/json': { schema } },
  };
}

export function refused() {
  return answer('Refused', 'Error');
}
