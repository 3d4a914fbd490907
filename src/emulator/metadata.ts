/**
 * The metadata service, which returns a SIM's own data. Inside the tunnel, the source address
 * identifies the SIM; over a cellular connection, the caller is the physical SIM.
 */
import { formatIpAddress } from '../wire/ip-address.js';
import { HttpEndpoint } from './endpoints/http-endpoint.js';
import { type HttpResponse, sendResponse } from './http-response.js';
import type { PlatformState } from './platform-state.js';
import { moduleType, type Sim, speedClass } from './sim.js';

const SUBSCRIBER = '/v1/subscriber';
const USER_DATA = '/v1/userdata';

const NOT_FOUND: HttpResponse = { status: 404, body: { code: 'EMU0404', message: 'Not found.' } };
const NOT_ALLOWED: HttpResponse = { status: 405, body: { code: 'EMU0405', message: 'Read only.' } };

/**
 * Answers a metadata request. `/v1/subscriber` returns all fields, and
 * `/v1/subscriber.path.to.field` returns one field, as plain text or as JSON. `/v1/userdata`
 * returns `SoracomAir.userdata` of the SIM's group.
 *
 * @param path the request's path, without the query
 */
export function metadataResponse(
  groups: PlatformState['groups'],
  sim: Sim,
  { method, path }: { readonly method: string; readonly path: string },
): HttpResponse {
  const value = valueAt(groups, sim, path);
  if (value === undefined) return NOT_FOUND;
  if (method !== 'GET' && method !== 'HEAD') return NOT_ALLOWED;
  if (typeof value === 'string') return { status: 200, body: value };
  return { status: 200, body: typeof value === 'object' && value ? value : JSON.stringify(value) };
}

/** Serves metadata inside the tunnel. */
export function metadataEndpoint({
  sims,
  groups,
}: Pick<PlatformState, 'sims' | 'groups'>): HttpEndpoint {
  return new HttpEndpoint(sims, (sim, { method = '', url = '' }, response) => {
    const [path = ''] = url.split('?');
    sendResponse(response, metadataResponse(groups, sim, { method, path }));
  });
}

function valueAt(groups: PlatformState['groups'], sim: Sim, path: string): unknown {
  if (path === USER_DATA) return userData(groups, sim);
  if (path === SUBSCRIBER) return subscriberJson(sim);
  if (!path.startsWith(`${SUBSCRIBER}.`)) return undefined;
  const fields = path.slice(SUBSCRIBER.length + 1).split('.');
  return fields.reduce<unknown>(memberOf, subscriberJson(sim));
}

/** Reads only own members, so that inherited properties are not shown. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function userData(groups: PlatformState['groups'], { groupId }: Sim): unknown {
  const group = groupId === undefined ? undefined : groups.get(groupId);
  const text = memberOf(memberOf(group?.configuration, 'SoracomAir'), 'userdata');
  return typeof text === 'string' ? text : undefined;
}

/** Formats a SIM's data. The IMSI is always that of the primary subscription. */
function subscriberJson(sim: Sim): object {
  const { simId, operatorId, imsi, status, arc, groupId } = sim;
  const session = arc?.session;
  return {
    imsi,
    simId,
    iccid: simId,
    operatorId,
    status,
    type: speedClass(sim),
    speedClass: speedClass(sim),
    moduleType: moduleType(sim),
    groupId: groupId ?? null,
    tags: Object.fromEntries(sim.tags),
    terminationEnabled: sim.terminationEnabled,
    createdAt: sim.createdTime,
    lastModifiedAt: sim.lastModifiedTime,
    ipAddress: arc ? formatIpAddress(arc.address) : null,
    sessionStatus: session
      ? { online: true, sessionId: session.sessionId, lastUpdatedAt: session.createdTime }
      : { online: false },
  };
}
