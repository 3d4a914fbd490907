/** Shared building blocks of the OpenAPI document. */
import type { Document } from 'openapi-backend';

export type Schemas = NonNullable<NonNullable<Document['components']>['schemas']>;
export type Paths = NonNullable<Document['paths']>;
type JsonContent = Record<'application/json', { schema: object }>;

interface ApiResponse {
  description: string;
  headers?: Record<string, { schema: { type: 'string' } }>;
  content: JsonContent;
}

interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  explode?: boolean;
  schema: object;
}

export const text = { type: 'string' } as const;
export const integer = { type: 'integer' } as const;
export const milliseconds = { type: 'integer', format: 'int64' } as const;
export const texts = { type: 'array', items: text } as const;
export const tagSet = { type: 'object', additionalProperties: text } as const;

export const DEFAULT_PAGE = 10;

interface Operation {
  operationId: string;
  summary: string;
  parameters?: Parameter[];
  requestBody?: ReturnType<typeof json>;
  responses: Record<string, { description: string }>;
}

/** Describes an operation that needs the headers of a signed-in user. */
export function operation(tag: string, { responses, ...rest }: Operation) {
  return {
    ...rest,
    tags: [tag],
    security: [{ apiKey: [], token: [] }],
    responses: { ...responses, default: refused() },
  };
}

export function inPath(name: string): Parameter {
  return { name, in: 'path', required: true, schema: text };
}

export function inQuery(name: string, schema: object): Parameter {
  return { name, in: 'query', required: false, schema };
}

/** A query parameter that may be repeated. */
export function listInQuery(name: string): Parameter {
  return { ...inQuery(name, texts), explode: true };
}

export const simIdParameter = inPath('sim_id');

/** @param maximum the largest accepted `limit`; if undefined, larger limits return fewer items */
export function pageParameters(maximum?: number): Parameter[] {
  const bound = maximum === undefined ? {} : { maximum };
  return [
    inQuery('limit', { type: 'integer', minimum: 1, default: DEFAULT_PAGE, ...bound }),
    inQuery('last_evaluated_key', text),
  ];
}

export function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

export function json(name: string): { required: true; content: JsonContent } {
  return { required: true, content: { 'application/json': { schema: ref(name) } } };
}

export function answer(description: string, name: string): ApiResponse {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

/** Describes a response with one page of a list, and a header with the next page's key. */
export function pageOf(description: string, name: string): ApiResponse {
  const schema = { type: 'array', items: ref(name) };
  return {
    description,
    headers: { 'x-soracom-next-key': { schema: text } },
    content: { 'application/json': { schema } },
  };
}

export function refused(): ApiResponse {
  return answer('Refused', 'Error');
}
