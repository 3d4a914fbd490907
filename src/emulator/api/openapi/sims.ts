/** Describes SIM operations: creation and termination, sessions, credentials, tags and groups. */
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
  refused,
  simIdParameter,
} from './building-blocks.js';

/** Describes an operation on one SIM that returns the SIM. */
function action(operationId: string, summary: string, body?: string) {
  return operation('Sim', {
    operationId,
    summary,
    parameters: [simIdParameter],
    ...(body !== undefined && { requestBody: json(body) }),
    responses: { '200': answer('The SIM', 'Sim') },
  });
}

export const simPaths: Paths = {
  '/sims': {
    get: operation('Sim', {
      operationId: 'listSims',
      summary: 'Lists SIMs, oldest first.',
      parameters: pageParameters(),
      responses: { '200': pageOf('SIMs', 'Sim') },
    }),
    post: operation('Sim', {
      operationId: 'createSim',
      summary: 'Creates a virtual SIM with its key pair and its first Arc session.',
      requestBody: json('CreateSimRequest'),
      responses: { '201': answer('The new SIM', 'Sim') },
    }),
  },
  '/sims/{sim_id}': { get: action('getSim', 'Shows a SIM.') },
  '/sims/{sim_id}/sessions/arc': {
    post: {
      ...action('createArcSession', 'Creates a new Arc session for a SIM.'),
      requestBody: json('CreateArcSessionRequest'),
      responses: { '200': answer('The session', 'ArcSession'), default: refused() },
    },
  },
  '/sims/{sim_id}/credentials/arc': {
    put: {
      ...action('renewArcSimCredentials', 'Gives the SIM a new key and a new session.'),
      requestBody: json('ArcCredentialRenewRequest'),
      responses: { '200': answer('The key', 'ArcCredentialRenewResponse'), default: refused() },
    },
  },
  '/sims/{sim_id}/delete_session': {
    post: action('deleteSimSession', "Ends the SIM's session."),
  },
  '/sims/{sim_id}/events/sessions': {
    get: operation('Sim', {
      operationId: 'listSimSessionEvents',
      summary: 'Lists session events, newest first.',
      parameters: [
        simIdParameter,
        inQuery('from', milliseconds),
        inQuery('to', milliseconds),
        ...pageParameters(),
      ],
      responses: { '200': pageOf('Events', 'SessionEvent') },
    }),
  },
  '/sims/{sim_id}/downlink/ping': {
    post: operation('Sim', {
      operationId: 'sendDownlinkPing',
      summary: 'Pings the SIM through its tunnel.',
      parameters: [simIdParameter],
      requestBody: json('DownlinkPingRequest'),
      responses: { '200': answer('Whether the SIM replied', 'DownlinkPingResponse') },
    }),
  },
  '/sims/{sim_id}/enable_termination': {
    post: action('enableSimTermination', 'Removes termination protection.'),
  },
  '/sims/{sim_id}/disable_termination': {
    post: action('disableSimTermination', 'Enables termination protection.'),
  },
  '/sims/{sim_id}/terminate': {
    post: action('terminateSim', 'Terminates the SIM permanently, unless it is protected.'),
  },
  '/sims/{sim_id}/tags': {
    put: action('putSimTags', 'Sets tags. Other tags do not change.', 'TagUpdates'),
  },
  '/sims/{sim_id}/tags/{tag_name}': {
    delete: operation('Sim', {
      operationId: 'deleteSimTag',
      summary: 'Removes a tag.',
      parameters: [simIdParameter, inPath('tag_name')],
      responses: { '204': { description: 'Gone' } },
    }),
  },
  '/sims/{sim_id}/set_group': {
    post: action('setSimGroup', 'Adds the SIM to a group.', 'SetGroupRequest'),
  },
  '/sims/{sim_id}/unset_group': {
    post: action('unsetSimGroup', 'Removes the SIM from its group.'),
  },
};
