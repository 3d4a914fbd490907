/** Describes signing in, signing out, and switching to another user. */
import {
  answer,
  json,
  operation,
  type Paths,
  refused,
  type Schemas,
  text,
} from './building-blocks.js';

/** The default and maximum lifetime of a token, in seconds. */
export const DEFAULT_TOKEN_TIMEOUT = 86_400;
const MAX_TOKEN_TIMEOUT = 172_800;

/**
 * The default and minimum token lifetime after switching users, in seconds; the default equals the
 * maximum.
 */
export const DEFAULT_SWITCHED_TIMEOUT = 3600;
const MIN_SWITCHED_TIMEOUT = 180;

export const authSchemas = {
  AuthRequest: {
    description:
      'One of: an auth key; an email address and password; or an operatorId, userName and password.',
    type: 'object',
    properties: {
      authKeyId: text,
      authKey: text,
      email: text,
      operatorId: text,
      userName: text,
      password: text,
      mfaOTPCode: text,
      tokenTimeoutSeconds: {
        type: 'integer',
        format: 'int64',
        default: DEFAULT_TOKEN_TIMEOUT,
        minimum: 1,
        maximum: MAX_TOKEN_TIMEOUT,
      },
    },
  },
  AuthResponse: {
    type: 'object',
    required: ['apiKey', 'token', 'operatorId'],
    properties: { apiKey: text, token: text, operatorId: text, userName: text },
  },
  SwitchUserRequest: {
    type: 'object',
    properties: {
      operatorId: text,
      userName: text,
      tokenTimeoutSeconds: {
        type: 'integer',
        default: DEFAULT_SWITCHED_TIMEOUT,
        minimum: MIN_SWITCHED_TIMEOUT,
        maximum: DEFAULT_SWITCHED_TIMEOUT,
      },
    },
  },
} satisfies Schemas;

export const authPaths: Paths = {
  '/auth': {
    post: {
      operationId: 'auth',
      tags: ['Auth'],
      summary: 'Returns an API key and a token in exchange for credentials.',
      requestBody: json('AuthRequest'),
      responses: { '200': answer('The token', 'AuthResponse'), default: refused() },
    },
  },
  '/auth/logout': {
    post: operation('Auth', {
      operationId: 'logout',
      summary: 'Revokes the token that the request contains.',
      responses: { '204': { description: 'Revoked' } },
    }),
  },
  '/auth/switch_user': {
    post: operation('Auth', {
      operationId: 'switchUser',
      summary: 'Returns an API key and a token for a SAM user who trusts the caller.',
      requestBody: json('SwitchUserRequest'),
      responses: { '200': answer('The token', 'AuthResponse') },
    }),
  },
};
