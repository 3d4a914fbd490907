/**
 * The OpenAPI document for the part of SORACOM's API that the emulator serves, with one file per
 * tag. The document determines routing, required tokens, permissions (`tag:operationId`), and the
 * validation of queries and bodies.
 */
import type { Document } from 'openapi-backend';

import { authPaths, authSchemas } from './openapi/auth.js';
import { type Schemas, text } from './openapi/building-blocks.js';
import { groupPaths, groupSchemas } from './openapi/groups.js';
import { kryptonPaths, kryptonSchemas } from './openapi/krypton.js';
import { queryPaths } from './openapi/sim-search.js';
import { simPaths } from './openapi/sims.js';
import { simSchemas } from './openapi/sim-schemas.js';

/** The base path of the API. */
export const API_ROOT = '/v1';

const commonSchemas = {
  Error: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: text, message: text },
  },
} satisfies Schemas;

export const OPENAPI_DOCUMENT: Document = {
  openapi: '3.0.3',
  info: {
    title: 'The part of the SORACOM API that the emulator provides',
    description:
      'The operations for authentication, SIMs, Arc sessions, groups and Krypton that an Arc client needs.',
    version: '2',
  },
  servers: [{ url: API_ROOT }],
  paths: { ...authPaths, ...simPaths, ...queryPaths, ...groupPaths, ...kryptonPaths },
  components: {
    schemas: {
      ...authSchemas,
      ...simSchemas,
      ...groupSchemas,
      ...kryptonSchemas,
      ...commonSchemas,
    },
    securitySchemes: {
      apiKey: { type: 'apiKey', in: 'header', name: 'X-Soracom-API-Key' },
      token: { type: 'apiKey', in: 'header', name: 'X-Soracom-Token' },
    },
  },
};

/** The operationIds of all operations that the emulator serves. */
export const OPERATION_IDS: ReadonlySet<string> = new Set(
  Object.values(OPENAPI_DOCUMENT.paths).flatMap((methods) =>
    Object.values(methods as object).flatMap((operation: unknown) => {
      const { operationId } = operation as { operationId?: string };
      return operationId === undefined ? [] : [operationId];
    }),
  ),
);
