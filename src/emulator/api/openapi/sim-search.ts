/** The OpenAPI operation that searches for SIMs. */
import {
  inQuery,
  listInQuery,
  operation,
  pageOf,
  pageParameters,
  type Paths,
} from './building-blocks.js';

/** The search criteria for SIMs. Each criterion may be repeated and may contain several values. */
export const SEARCH_CRITERIA = [
  'name',
  'group',
  'group_id',
  'sim_id',
  'imsi',
  'msisdn',
  'iccid',
  'serial_number',
  'tag',
  'bundles',
  'status',
  'subscription',
  'module_type',
] as const;

export type SearchCriterion = (typeof SEARCH_CRITERIA)[number];

export const queryPaths: Paths = {
  '/query/sims': {
    get: operation('Query', {
      operationId: 'searchSims',
      summary: 'Searches SIMs, oldest first.',
      parameters: [
        ...SEARCH_CRITERIA.map(listInQuery),
        inQuery('session_status', { type: 'string', enum: ['NA', 'ONLINE', 'OFFLINE'] }),
        inQuery('search_type', { type: 'string', enum: ['and', 'or'] }),
        ...pageParameters(100),
      ],
      responses: { '200': pageOf('SIMs', 'Sim') },
    }),
  },
};
