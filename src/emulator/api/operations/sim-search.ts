import type { HandlerMap } from 'openapi-backend';

import type { HttpResponse } from '../../http-response.js';
import { malformedQuery } from '../refusals.js';
import type { PlatformState } from '../../platform-state.js';
import { moduleType, type Sim } from '../../sim.js';
import { operatorOf } from '../../users.js';
import { type ApiContext, callerOf } from '../api-context.js';
import { SEARCH_CRITERIA, type SearchCriterion } from '../openapi/sim-search.js';
import { pageResponse, type PageQuery } from '../paging.js';
import { type ArcServerInfo, simJson, subscriptionsOf } from '../sim-json.js';

type SearchQuery = PageQuery &
  Partial<Record<SearchCriterion, readonly string[] | undefined>> & {
    readonly session_status?: 'NA' | 'ONLINE' | 'OFFLINE';
    readonly search_type?: 'and' | 'or';
  };

/** The criteria that match a part of a value; all others must match the whole value. */
const PARTIAL: readonly SearchCriterion[] = [
  'name',
  'group',
  'tag',
  'sim_id',
  'imsi',
  'msisdn',
  'iccid',
  'serial_number',
];

/** The minimum length of a partial search term, in characters. */
const SHORTEST_PART = 2;

export function searchOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  return {
    searchSims: (context: ApiContext<unknown, SearchQuery>): HttpResponse => {
      const query = withSingleValues(context.request.query);
      const short = PARTIAL.find((name) => query[name]?.some((one) => isTooShort(one)));
      if (short !== undefined) {
        return malformedQuery(`${short} must have at least ${SHORTEST_PART} characters`);
      }
      const operatorId = operatorOf(callerOf(state, context));
      const found = state.sims
        .all()
        .filter((sim) => sim.operatorId === operatorId && isFound(state, sim, query));
      const show = (sim: Sim) => simJson(sim, arcServer);
      return pageResponse(found, query, ({ simId }) => simId, show);
    },
  };
}

/**
 * If a criterion is given only once, splits it at its commas, because it may contain several
 * values.
 */
function withSingleValues(query: SearchQuery): SearchQuery {
  const split: SearchQuery = { ...query };
  for (const criterion of SEARCH_CRITERIA) {
    const values = query[criterion]?.flatMap((value) => value.split(','));
    const given = values?.filter((value) => value !== '') ?? [];
    split[criterion] = given.length > 0 ? given : undefined;
  }
  return split;
}

function isTooShort(value: string): boolean {
  return Array.from(value).length < SHORTEST_PART;
}

/**
 * Whether a SIM matches a search. Several values of one criterion are alternatives; `search_type`
 * combines different criteria.
 */
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
    // The emulator's SIMs have no telephone number.
    msisdn: [],
    iccid: [sim.simId, sim.arc?.iccid],
    serial_number: [sim.simId],
    tag: [...sim.tags.values()],
    // The emulator's SIMs have no bundles.
    bundles: [],
    status: [sim.status],
    subscription: subscriptionsOf(sim),
    module_type: [moduleType(sim)],
  };
  return values[criterion].filter((value) => value !== undefined);
}
