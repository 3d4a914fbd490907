import type { HandlerMap } from 'openapi-backend';

import type { Group } from '../../groups.js';
import type { HttpResponse } from '../../http-response.js';
import type { PlatformState } from '../../platform-state.js';
import { operatorOf } from '../../users.js';
import { REFUSALS } from '../refusals.js';
import { type ApiContext, callerOf } from '../api-context.js';
import { pageResponse, type PageQuery } from '../paging.js';

interface CreateGroupRequest {
  readonly tags?: Readonly<Record<string, string>>;
  readonly configuration?: Readonly<Record<string, unknown>>;
}

interface GroupQuery extends PageQuery {
  readonly tag_name?: string;
  readonly tag_value?: string;
  readonly tag_value_match_mode?: 'exact' | 'prefix';
}

/** SORACOM's limit for a group's parameters and tags together, in bytes of JSON. */
export const MAX_GROUP_LENGTH = 8192;

export function groupOperations(state: PlatformState): HandlerMap {
  const { groups } = state;
  return {
    createGroup: (context: ApiContext<CreateGroupRequest>): HttpResponse => {
      const { tags = {}, configuration = {} } = context.request.requestBody;
      if (Buffer.byteLength(JSON.stringify([tags, configuration])) > MAX_GROUP_LENGTH) {
        return REFUSALS.configurationTooLarge;
      }
      const operatorId = operatorOf(callerOf(state, context));
      const group = groups.create({
        operatorId,
        tags: new Map(Object.entries(tags)),
        configuration,
      });
      if (group === undefined) return REFUSALS.tooManyGroups;
      return { status: 201, body: groupJson(group) };
    },

    listGroups: (context: ApiContext<unknown, GroupQuery>): HttpResponse => {
      const { query } = context.request;
      const operatorId = operatorOf(callerOf(state, context));
      const found = groups
        .all()
        .filter((group) => group.operatorId === operatorId && hasTag(group, query));
      return pageResponse(found, query, ({ groupId }) => groupId, groupJson);
    },

    getGroup: (context: ApiContext): HttpResponse => {
      const group = groups.get(context.request.params.group_id);
      if (group?.operatorId !== operatorOf(callerOf(state, context))) return REFUSALS.groupUnknown;
      return { status: 200, body: groupJson(group) };
    },
  };
}

function hasTag(group: Group, query: GroupQuery): boolean {
  const { tag_name: name, tag_value: wanted = '', tag_value_match_mode: mode = 'exact' } = query;
  if (name === undefined) return true;
  const value = group.tags.get(name);
  return mode === 'exact' ? value === wanted : (value?.startsWith(wanted) ?? false);
}

function groupJson({ tags, createdTime, ...group }: Group): object {
  return { ...group, tags: Object.fromEntries(tags), createdTime, lastModifiedTime: createdTime };
}
