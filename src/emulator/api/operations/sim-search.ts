import type { HandlerMap } from 'openapi-backend';

import type { Answer } from '../../http-answer.js';
import type { PlatformState } from '../../platform-state.js';
import { moduleType, type Sim } from '../../sim.js';
import { operatorOf } from '../../users.js';
import { type ApiContext, callerOf } from '../api-context.js';
import { SEARCH_CRITERIA, type SearchCriterion } from '../openapi/query.js';
import { pageAnswer, type PageQuery } from '../paging.js';
import { type ArcServerInfo, simJson, subscriptionsOf } from '../sim-json.js';

type SearchQuery = PageQuery &
  Partial<Record<SearchCriterion, readonly string[]>> & {
    readonly session_status?: 'NA' | 'ONLINE' | 'OFFLINE';
    readonly search_type?: 'and' | 'or';
  };

/** What people type is searched for as a part of the value; of the others, the whole value. */
const PARTIAL: readonly SearchCriterion[] = ['name', 'group', 'tag', 'sim_id', 'imsi', 'iccid'];

/** The operation of the tag Query. */
export function searchOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  return {
    searchSims: (context: ApiContext<unknown, SearchQuery>): Answer => {
      const { query } = context.request;
      const operatorId = operatorOf(callerOf(state, context));
      const found = state.sims
        .all()
        .filter((sim) => sim.operatorId === operatorId && isFound(state, sim, query));
      const show = (sim: Sim) => simJson(sim, arcServer);
      return pageAnswer(found, query, ({ simId }) => simId, show);
    },
  };
}

/** Several values of one criterion are alternatives; `search_type` says what several criteria are. */
function isFound(state: PlatformState, sim: Sim, query: SearchQuery): boolean {
  const results = SEARCH_CRITERIA.flatMap((criterion) => {
    const wanted = query[criterion];
    return wanted === undefined ? [] : meetsAny(criterion, valuesOf(state, sim, criterion), wanted);
  });
  const { session_status: session = 'NA', search_type: type = 'and' } = query;
  if (session !== 'NA') {
    results.push((session === 'ONLINE') === (sim.arc?.session !== undefined));
  }
  if (results.length === 0) return true;
  return type === 'and' ? results.every(Boolean) : results.some(Boolean);
}

function meetsAny(
  criterion: SearchCriterion,
  values: readonly string[],
  wanted: readonly string[],
): boolean {
  const isPartial = PARTIAL.includes(criterion);
  return wanted.some((one) =>
    values.some((value) =>
      isPartial ? value.toLowerCase().includes(one.toLowerCase()) : value === one,
    ),
  );
}

function valuesOf(state: PlatformState, sim: Sim, criterion: SearchCriterion): readonly string[] {
  const group = sim.groupId === undefined ? undefined : state.groups.get(sim.groupId);
  const values: Record<SearchCriterion, (string | undefined)[]> = {
    name: [sim.tags.get('name')],
    group: [group?.tags.get('name')],
    group_id: [sim.groupId],
    sim_id: [sim.simId],
    imsi: [sim.imsi, sim.arc?.imsi],
    iccid: [sim.simId, sim.arc?.iccid],
    tag: [...sim.tags.values()],
    status: [sim.status],
    subscription: subscriptionsOf(sim),
    module_type: [moduleType(sim)],
  };
  return values[criterion].filter((value) => value !== undefined);
}
