/** Describes SIM groups. */
import {
  answer,
  inPath,
  inQuery,
  json,
  milliseconds,
  operation,
  pageOf,
  pageParameters,
  type Paths,
  type Schemas,
  tagSet,
  text,
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
    get: operation('Group', {
      operationId: 'listGroups',
      summary: 'Lists groups, oldest first.',
      parameters: [
        inQuery('tag_name', text),
        inQuery('tag_value', text),
        inQuery('tag_value_match_mode', { type: 'string', enum: ['exact', 'prefix'] }),
        ...pageParameters(),
      ],
      responses: { '200': pageOf('Groups', 'Group') },
    }),
    post: operation('Group', {
      operationId: 'createGroup',
      summary: 'Creates a group.',
      requestBody: json('CreateGroupRequest'),
      responses: { '201': answer('The new group', 'Group') },
    }),
  },
  '/groups/{group_id}': {
    get: operation('Group', {
      operationId: 'getGroup',
      summary: 'Shows a group.',
      parameters: [inPath('group_id')],
      responses: { '200': answer('The group', 'Group') },
    }),
  },
};
