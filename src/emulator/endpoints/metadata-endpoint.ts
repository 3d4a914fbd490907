/** The metadata service inside the tunnel. */
import { sendAnswer } from '../http-answer.js';
import { metadataAnswer } from '../metadata.js';
import type { PlatformState } from '../platform-state.js';
import { HttpEndpoint } from './http-endpoint.js';

export function metadataEndpoint({
  sims,
  groups,
}: Pick<PlatformState, 'sims' | 'groups'>): HttpEndpoint {
  return new HttpEndpoint(sims, (sim, { method = '', url = '' }, response) => {
    const [path = ''] = url.split('?');
    sendAnswer(response, metadataAnswer(groups, sim, { method, path }));
  });
}
