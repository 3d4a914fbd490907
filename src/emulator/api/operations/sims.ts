/** Handles the API operations on SIMs. ../openapi/sims.ts defines the operations' paths. */
import type { HandlerMap } from 'openapi-backend';

import { formatKey } from '../../../lib/text/key-text.js';
import type { HttpResponse } from '../../http-response.js';
import type { PlatformState } from '../../platform-state.js';
import { type ArcSim, hasArc, type Sim } from '../../sim.js';
import { operatorOf } from '../../users.js';
import { REFUSALS } from '../refusals.js';
import { type ApiContext, callerOf, simOf } from '../api-context.js';
import { pageResponse, type PageQuery } from '../paging.js';
import { type ArcServerInfo, eventJson, sessionJson, simJson } from '../sim-json.js';

interface RenewRequest {
  readonly arcClientPeerPublicKey?: string;
}

type TagUpdates = readonly { readonly tagName: string; readonly tagValue: string }[];

interface EventQuery extends PageQuery {
  readonly from?: number;
  readonly to?: number;
}

/** The maximum number of tags that a SIM can have. */
export const MAX_TAGS = 50;

export function simOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  return {
    ...lifeOperations(state, arcServer),
    ...sessionOperations(state, arcServer),
    ...labelOperations(state, arcServer),
  };
}

function lifeOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  const { sims } = state;
  const shown = (sim: Sim): HttpResponse => ({ status: 200, body: simJson(sim, arcServer) });
  return {
    createSim: (context: ApiContext): HttpResponse => {
      const created = sims.create(operatorOf(callerOf(state, context)));
      if (created === undefined) return REFUSALS.tooManySims;
      return { status: 201, body: simJson(created.sim, arcServer, created.privateKey) };
    },

    listSims: (context: ApiContext<unknown, PageQuery>): HttpResponse => {
      const operatorId = operatorOf(callerOf(state, context));
      const own = sims.all().filter((sim) => sim.operatorId === operatorId);
      const show = (sim: Sim) => simJson(sim, arcServer);
      return pageResponse(own, context.request.query, ({ simId }) => simId, show);
    },

    getSim: onSim(state, shown),

    enableSimTermination: onActiveSim(state, (sim) => shown(sims.setTerminationEnabled(sim, true))),

    disableSimTermination: onActiveSim(state, (sim) =>
      shown(sims.setTerminationEnabled(sim, false)),
    ),

    terminateSim: onActiveSim(state, (sim) =>
      sim.terminationEnabled ? shown(sims.terminate(sim)) : REFUSALS.simProtected,
    ),
  };
}

function sessionOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  const { sims } = state;
  return {
    createArcSession: onArcSim(state, (sim) => ({
      status: 200,
      body: sessionJson(sims.createSession(sim), arcServer),
    })),

    renewArcSimCredentials: onArcSim<RenewRequest>(state, (sim, { request }) => {
      const { arcClientPeerPublicKey } = request.requestBody;
      if (arcClientPeerPublicKey === undefined) return renewedKeys(state, sim);
      const publicKey = Uint8Array.from(Buffer.from(arcClientPeerPublicKey, 'base64'));
      if (sims.setPublicKey(sim, publicKey) === 'key-in-use') return REFUSALS.keyInUse;
      return { status: 200, body: { arcClientPeerPublicKey } };
    }),

    deleteSimSession: onSim(state, (sim) => {
      const changed = sims.deleteSession(sim);
      if (changed === undefined) return REFUSALS.simOffline;
      return { status: 200, body: simJson(changed, arcServer) };
    }),

    listSimSessionEvents: onSim<unknown, EventQuery>(state, (sim, { request: { query } }) => {
      const { from = 0, to = Infinity } = query;
      const events = sim.events.filter(({ time }) => time >= from && time <= to);
      const keyOf = ({ event, sessionId }: Sim['events'][number]) => `${event}-${sessionId}`;
      return pageResponse(events, query, keyOf, (event) => eventJson(sim, event));
    }),
  };
}

function labelOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  const { sims } = state;
  const shown = (sim: Sim): HttpResponse => ({ status: 200, body: simJson(sim, arcServer) });
  return {
    putSimTags: onSim<TagUpdates>(state, (sim, { request }) => {
      const tags = new Map(sim.tags);
      for (const { tagName, tagValue } of request.requestBody) tags.set(tagName, tagValue);
      return tags.size > MAX_TAGS ? REFUSALS.tooManyTags : shown(sims.setTags(sim, tags));
    }),

    deleteSimTag: onSim(state, (sim, { request }) => {
      const tags = new Map(sim.tags);
      if (!tags.delete(request.params.tag_name)) return REFUSALS.tagUnknown;
      sims.setTags(sim, tags);
      return { status: 204 };
    }),

    setSimGroup: onSim<{ groupId?: string }>(state, (sim, { request }) => {
      const { groupId } = request.requestBody;
      const group = groupId === undefined ? undefined : state.groups.get(groupId);
      if (group?.operatorId !== sim.operatorId) return REFUSALS.groupUnknown;
      return shown(sims.setGroup(sim, groupId));
    }),

    unsetSimGroup: onSim(state, (sim) => shown(sims.setGroup(sim, undefined))),
  };
}

type On<Subject, Body, Query> = (
  subject: Subject,
  context: ApiContext<Body, Query>,
) => HttpResponse;

function onSim<Body = unknown, Query = object>(state: PlatformState, handle: On<Sim, Body, Query>) {
  return (context: ApiContext<Body, Query>): HttpResponse => {
    const sim = simOf(state, context as ApiContext);
    return sim === undefined ? REFUSALS.simUnknown : handle(sim, context);
  };
}

function onActiveSim<Body = unknown>(state: PlatformState, handle: On<Sim, Body, object>) {
  return onSim<Body>(state, (sim, context) =>
    sim.status === 'terminated' ? REFUSALS.simTerminated : handle(sim, context),
  );
}

function onArcSim<Body = unknown>(state: PlatformState, handle: On<ArcSim, Body, object>) {
  return onActiveSim<Body>(state, (sim, context) =>
    hasArc(sim) ? handle(sim, context) : REFUSALS.noArcCredentials,
  );
}

function renewedKeys(state: PlatformState, sim: ArcSim): HttpResponse {
  const { sim: renewed, privateKey } = state.sims.renewKeys(sim);
  const body = {
    arcClientPeerPublicKey: formatKey(renewed.arc.publicKey),
    arcClientPeerPrivateKey: formatKey(privateKey.expose()),
  };
  return { status: 200, body };
}
