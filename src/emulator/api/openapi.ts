/**
 * The part of SORACOM's API that the emulator serves, as an OpenAPI document of our own. Routing,
 * the need of a token, permissions (`tag:operationId`) and the checks of bodies are taken from it.
 */
import type { Document } from 'openapi-backend';

type Schemas = NonNullable<NonNullable<Document['components']>['schemas']>;
type JsonContent = Record<'application/json', { schema: { $ref: string } }>;
interface ApiResponse {
  description: string;
  content: JsonContent;
}

/** The path under which the API stands. */
export const API_ROOT = '/v1';

/** Seconds that a token lives unless the request says otherwise, and at most. */
export const DEFAULT_TOKEN_TIMEOUT = 86_400;
export const MAX_TOKEN_TIMEOUT = 172_800;

const text = { type: 'string' } as const;
const milliseconds = { type: 'integer', format: 'int64' } as const;
const texts = { type: 'array', items: text } as const;

const withToken = [{ apiKey: [], token: [] }];

const simIdParameter = {
  name: 'sim_id',
  in: 'path',
  required: true,
  schema: text,
};

const sessionProperties = {
  arcServerPeerPublicKey: text,
  arcServerEndpoint: text,
  arcAllowedIPs: texts,
  arcClientPeerIpAddress: text,
  arcClientPeerPublicKey: text,
};

const schemas = {
  AuthRequest: {
    description: 'Credentials in one of three forms; the emulator knows authentication keys only.',
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
  CreateSimRequest: {
    type: 'object',
    required: ['type', 'subscription'],
    properties: {
      type: { type: 'string', enum: ['virtual'] },
      subscription: { type: 'string', enum: ['planArc01'] },
    },
  },
  CreateArcSessionRequest: { type: 'object', additionalProperties: false },
  ArcSession: {
    type: 'object',
    required: Object.keys(sessionProperties),
    properties: sessionProperties,
  },
  SimProfile: {
    type: 'object',
    required: ['iccid', 'primaryImsi', 'arcClientPeerPublicKey'],
    properties: {
      iccid: text,
      primaryImsi: text,
      otaSupported: { type: 'boolean' },
      arcClientPeerPublicKey: text,
      arcClientPeerPrivateKey: {
        type: 'string',
        description: "In createSim's answer only; the platform does not show it again.",
      },
      subscribers: { type: 'object', additionalProperties: { type: 'object' } },
    },
  },
  Sim: {
    type: 'object',
    required: ['simId', 'operatorId', 'type', 'status', 'profiles', 'arcSessionStatus'],
    properties: {
      simId: text,
      operatorId: text,
      type: { type: 'string', enum: ['virtual'] },
      moduleType: { type: 'string', enum: ['virtual'] },
      status: { type: 'string', enum: ['active'] },
      speedClass: text,
      activeProfileId: text,
      tags: { type: 'object', additionalProperties: text },
      capabilities: { type: 'object' },
      terminationEnabled: { type: 'boolean' },
      createdTime: milliseconds,
      lastModifiedTime: milliseconds,
      profiles: { type: 'object', additionalProperties: ref('SimProfile') },
      arcSessionStatus: ref('ArcSession'),
      sessionStatus: { type: 'object' },
    },
  },
  Error: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: text, message: text },
  },
} satisfies Schemas;

const paths: Document['paths'] = {
  '/auth': {
    post: {
      operationId: 'auth',
      tags: ['Auth'],
      summary: 'Gives an API key and a token for an authentication key.',
      requestBody: json('AuthRequest'),
      responses: { '200': answer('The token', 'AuthResponse'), default: refused() },
    },
  },
  '/auth/logout': {
    post: {
      operationId: 'logout',
      tags: ['Auth'],
      summary: 'Revokes the token that the call is made with.',
      security: withToken,
      responses: { '204': { description: 'Revoked' }, default: refused() },
    },
  },
  '/sims': {
    post: {
      operationId: 'createSim',
      tags: ['Sim'],
      summary: 'Creates a virtual SIM with its key pair and its first Arc session.',
      security: withToken,
      requestBody: json('CreateSimRequest'),
      responses: { '201': answer('The new SIM', 'Sim'), default: refused() },
    },
  },
  '/sims/{sim_id}': {
    get: {
      operationId: 'getSim',
      tags: ['Sim'],
      summary: 'Shows a SIM.',
      security: withToken,
      parameters: [simIdParameter],
      responses: { '200': answer('The SIM', 'Sim'), default: refused() },
    },
  },
  '/sims/{sim_id}/sessions/arc': {
    post: {
      operationId: 'createArcSession',
      tags: ['Sim'],
      summary: 'Creates the Arc session of a SIM anew.',
      security: withToken,
      parameters: [simIdParameter],
      requestBody: json('CreateArcSessionRequest'),
      responses: { '200': answer('The session', 'ArcSession'), default: refused() },
    },
  },
};

export const OPENAPI_DOCUMENT: Document = {
  openapi: '3.0.3',
  info: {
    title: "The emulator's part of the SORACOM API",
    description: 'Authentication, virtual SIMs and Arc sessions, as a client of Arc needs them.',
    version: '1',
  },
  servers: [{ url: API_ROOT }],
  paths,
  components: {
    schemas,
    securitySchemes: {
      apiKey: { type: 'apiKey', in: 'header', name: 'X-Soracom-API-Key' },
      token: { type: 'apiKey', in: 'header', name: 'X-Soracom-Token' },
    },
  },
};

function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

function json(name: string): { required: true; content: JsonContent } {
  return { required: true, content: { 'application/json': { schema: ref(name) } } };
}

function answer(description: string, name: string): ApiResponse {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

function refused(): ApiResponse {
  return answer('Refused', 'Error');
}
