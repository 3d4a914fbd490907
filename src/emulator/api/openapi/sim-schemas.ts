/** Schemas for SIMs, their sessions, and the requests that change them. */
import { milliseconds, ref, type Schemas, tagSet, text, texts } from './building-blocks.js';

const sessionProperties = {
  arcServerPeerPublicKey: text,
  arcServerEndpoint: text,
  arcAllowedIPs: texts,
  arcClientPeerIpAddress: text,
  arcClientPeerPublicKey: text,
};

/** The schema of a tag's name or value; limits the length. */
const tagText = { type: 'string', maxLength: 255 } as const;

export const simSchemas = {
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
  ArcCredentialRenewRequest: {
    type: 'object',
    properties: {
      arcClientPeerPublicKey: {
        type: 'string',
        // Matches base64 that encodes 32 bytes.
        pattern: '^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$',
      },
    },
  },
  ArcCredentialRenewResponse: {
    type: 'object',
    required: ['arcClientPeerPublicKey'],
    properties: {
      arcClientPeerPublicKey: text,
      arcClientPeerPrivateKey: {
        type: 'string',
        description:
          'Present only if the request did not contain a public key. The key will not be shown again.',
      },
    },
  },
  TagUpdates: {
    type: 'array',
    items: {
      type: 'object',
      required: ['tagName', 'tagValue'],
      properties: { tagName: { ...tagText, minLength: 1 }, tagValue: tagText },
    },
  },
  SetGroupRequest: { type: 'object', properties: { groupId: text } },
  DownlinkPingRequest: {
    type: 'object',
    properties: {
      numberOfPingRequests: { type: 'integer', minimum: 1, maximum: 5, default: 1 },
      timeoutSeconds: { type: 'integer', minimum: 1, maximum: 3, default: 1 },
    },
  },
  DownlinkPingResponse: {
    type: 'object',
    required: ['success'],
    properties: { success: { type: 'boolean' }, rtt: text, stat: text },
  },
  SimProfile: {
    type: 'object',
    required: ['iccid', 'primaryImsi'],
    properties: {
      iccid: text,
      primaryImsi: text,
      otaSupported: { type: 'boolean' },
      arcClientPeerPublicKey: text,
      arcClientPeerPrivateKey: {
        type: 'string',
        description: 'Present only in the response to createSim. The key will not be shown again.',
      },
      subscribers: { type: 'object', additionalProperties: { type: 'object' } },
    },
  },
  Sim: {
    type: 'object',
    required: ['simId', 'operatorId', 'type', 'status', 'profiles', 'sessionStatus'],
    properties: {
      simId: text,
      operatorId: text,
      type: { type: 'string', enum: ['virtual', 'uicc'] },
      moduleType: { type: 'string', enum: ['virtual', 'nano'] },
      status: { type: 'string', enum: ['active', 'terminated'] },
      speedClass: text,
      activeProfileId: text,
      groupId: text,
      tags: tagSet,
      capabilities: { type: 'object' },
      terminationEnabled: { type: 'boolean' },
      createdTime: milliseconds,
      lastModifiedTime: milliseconds,
      profiles: { type: 'object', additionalProperties: ref('SimProfile') },
      arcSessionStatus: ref('ArcSession'),
      sessionStatus: { type: 'object' },
      previousSession: { type: 'object' },
    },
  },
  SessionEvent: {
    type: 'object',
    required: ['event', 'time', 'simId', 'imsi', 'sessionId'],
    properties: {
      event: { type: 'string', enum: ['Created', 'Deleted'] },
      time: milliseconds,
      simId: text,
      imsi: text,
      operatorId: text,
      sessionId: text,
      subscription: text,
      ueIpAddress: text,
      dns0: text,
      dns1: text,
    },
  },
} satisfies Schemas;
