/**
 * Krypton operations, which do not need a token because the SIM itself authenticates the caller.
 */
import { answer, json, type Paths, refused, type Schemas, text, texts } from './building-blocks.js';

const properties = {
  arcServerPeerPublicKey: text,
  arcServerEndpoint: text,
  arcAllowedIPs: texts,
  arcClientPeerPrivateKey: text,
  arcClientPeerIpAddress: text,
};

export const kryptonSchemas = {
  ArcBootstrapRequest: {
    type: 'object',
    properties: { keyId: text, requestParameters: { type: 'object', nullable: true } },
  },
  ArcBootstrapResponse: { type: 'object', required: Object.keys(properties), properties },
} satisfies Schemas;

export const kryptonPaths: Paths = {
  '/provisioning/soracom/arc/bootstrap': {
    post: {
      operationId: 'bootstrapArc',
      tags: ['Krypton'],
      summary:
        'Creates the virtual SIM that belongs to the calling SIM, or gives that virtual SIM a new key pair.',
      requestBody: json('ArcBootstrapRequest'),
      responses: {
        '200': answer('The tunnel settings', 'ArcBootstrapResponse'),
        default: refused(),
      },
    },
  },
};
