/** Describes SIM groups. */
import {
  answer,
  inPath,
  inQuery,
  json,
  milliseconds,
  pageOf,
  pageParameters,
  type Paths,
  refused,
  type Schemas,
  tagSet,
  text,
  withToken,
} from './building-blocks.js';

export const groupSchemas = {
  CreateGroupRequest: {
    type: 'object',
    properties: { configuration: { type: 'object' }, tags: tagSet },
  },
  Group: {
    type: 'object',
    required: ['groupId', 'operatorId', 'createdTime', 'lastModifiedTime'],
    properties: {
      groupId: text,
      operatorId: text,
      tags: tagSet,
      configuration: { type: 'object' },
      createdTime: milliseconds,
      lastModifiedTime: milliseconds,
    },
  },
} satisfies Schemas;

export const groupPaths: Paths = {
  '/groups': {
    get: {
      operationId: 'listGroups',
      tags: ['Group'],
      summary: 'Lists groups, oldest first.',
      security: withToken,
      parameters: [
        inQuery('tag_name', text),
        inQuery('tag_value', text),
        inQuery('tag_value_match_mode', { type: 'string', enum: ['exact', 'prefix'] }),
        ...pageParameters(),
      ],
      responses: { '200': pageOf('Groups', 'Group'), default: refused() },
    },
    post: {
      operationId: 'createGroup',
      tags: ['Group'],
      summary: 'Creates a group.',
      security: withToken,
      requestBody: json('CreateGroupRequest'),
      responses: { '201': answer('The new group', 'Group'), default: refused() },
    },
  },
  '/groups/{group_id}': {
    get: {
      operationId: 'getGroup',
      tags: ['Group'],
      summary: 'Shows a group.',
      security: withToken,
      parameters: [inPath('group_id')],
      responses: { '200': answer('The group', 'Group'), default: refused() },
    },
  },
};
