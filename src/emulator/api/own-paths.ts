/**
 * The paths under /emulator, for tests. They list messages, requests and SIMs, add users and
 * faults, and trigger changes that SORACOM makes without a request. Only programs on this machine
 * may call these paths.
 */
import * as z from 'zod';

import { formatKey } from '../../lib/text/key-text.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { formatIpAddress } from '../../wire/ip-address.js';
import { faultRequest, type Faults } from '../faults.js';
import type { HttpResponse } from '../http-response.js';
import type { MessageStore } from '../messages.js';
import type { PlatformState } from '../platform-state.js';
import { type ArcSim, hasArc, ipv4Address } from '../sim.js';
import { emulatorUser, userLabel } from '../users.js';
import { isPagePath } from '../page/page-paths.js';
import { isJson } from './all-operations.js';
import { malformedBody, notAdded, REFUSALS } from './refusals.js';
import { OPERATION_IDS } from './openapi.js';
import type { RequestLog } from './request-log.js';
import type { ApiCall } from './router.js';

export interface OwnPathsOptions {
  readonly state: PlatformState;
  readonly messages: MessageStore;
  readonly requests: RequestLog;
  readonly faults: Faults;
  readonly renewServerKey: () => void;
}

export interface OwnCall extends ApiCall {
  /** Whether the caller is on this machine. */
  readonly isLocal: boolean;
}

type Handler = (options: OwnPathsOptions, call: OwnCall) => HttpResponse;

const HANDLERS: ReadonlyMap<string, Readonly<Record<string, Handler>>> = new Map([
  ['/emulator/requests', { GET: ({ requests }) => shown(requests.all()) }],
  ['/emulator/messages', { GET: listMessages }],
  ['/emulator/sims', { GET: ({ state }) => shown(state.sims.all().filter(hasArc).map(simView)) }],
  ['/emulator/users', { POST: addUser }],
  ['/emulator/arc', { POST: changeArc }],
  [
    '/emulator/faults',
    { GET: ({ faults }) => shown(faults.all()), POST: addFault, DELETE: clearFaults },
  ],
] satisfies [string, Record<string, Handler>][]);

export function ownResponse(options: OwnPathsOptions, call: OwnCall): HttpResponse {
  const methods = HANDLERS.get(call.path);
  // The caller answers the page's paths for this machine.
  if (methods === undefined)
    return isPagePath(call.path) ? REFUSALS.notLocal : REFUSALS.pathUnknown;
  if (!call.isLocal) return REFUSALS.notLocal;
  const handler = Object.hasOwn(methods, call.method) ? methods[call.method] : undefined;
  if (handler === undefined) return REFUSALS.methodUnknown;
  if (call.method === 'POST' && !isJson(call.headers)) return REFUSALS.bodyNotJson;
  return handler(options, call);
}

function shown(body: object): HttpResponse {
  return { status: 200, body };
}

function listMessages({ messages }: OwnPathsOptions, { query }: OwnCall): HttpResponse {
  const simId = query.get('simId');
  return shown(simId === null ? messages.all() : messages.of(simId));
}

/** Formats a SIM with a virtual subscription for tests. */
function simView(sim: ArcSim): object {
  const { simId, type, operatorId, status, terminationEnabled, createdTime, arc, tags } = sim;
  return {
    ...{ simId, type, operatorId, imsi: arc.imsi, status },
    billed: status !== 'terminated',
    online: arc.session !== undefined,
    ...{ terminationEnabled, createdTime, groupId: sim.groupId },
    tags: Object.fromEntries(tags),
    publicKey: formatKey(arc.publicKey),
    address: formatIpAddress(arc.address),
  };
}

function addUser({ state }: OwnPathsOptions, { body }: OwnCall): HttpResponse {
  const user = parse(emulatorUser, body);
  if ('refused' in user) return user.refused;
  const reason = state.users.add(user.value);
  if (reason !== undefined) return notAdded(reason);
  return { status: 201, body: { user: userLabel(user.value) } };
}

/** Changes that SORACOM may make at any time without a request. */
const arcChange = z.union([
  z.strictObject({ serverKey: z.literal('new') }),
  z.strictObject({ simId: z.string(), address: ipv4Address }),
]);

function changeArc({ state, renewServerKey }: OwnPathsOptions, { body }: OwnCall): HttpResponse {
  const change = parse(arcChange, body);
  if ('refused' in change) return change.refused;
  if ('serverKey' in change.value) {
    renewServerKey();
    return { status: 204 };
  }
  const { simId, address } = change.value;
  const sim = state.sims.get(simId);
  if (sim === undefined || !hasArc(sim)) return REFUSALS.simUnknown;
  const moved = state.sims.setAddress(sim, address);
  return moved === 'address-in-use' ? REFUSALS.addressInUse : shown(simView(moved));
}

function addFault({ faults }: OwnPathsOptions, { body }: OwnCall): HttpResponse {
  const request = parse(faultRequest, body);
  if ('refused' in request) return request.refused;
  const { operation } = request.value;
  // Refuse unknown operations, because the fault would never apply, and a test could pass by
  // mistake.
  if (operation !== undefined && !OPERATION_IDS.has(operation)) {
    return malformedBody(`operation: ${operation} is unknown`);
  }
  const fault = faults.add(request.value);
  return fault === undefined ? REFUSALS.tooManyFaults : { status: 201, body: fault };
}

function clearFaults({ faults }: OwnPathsOptions): HttpResponse {
  faults.clear();
  return { status: 204 };
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  body: string,
): { value: z.output<Schema> } | { refused: HttpResponse } {
  const json = parseJson(body);
  if (json === undefined) return { refused: malformedBody('it must be JSON') };
  const { success, data, error } = schema.safeParse(json);
  if (success) return { value: data };
  const [issue] = error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  return { refused: malformedBody([where, issue?.message ?? ''].join(' ').trim()) };
}
