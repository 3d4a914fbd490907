/** The metadata service inside the tunnel. */
import { sendResponse } from '../http-response.js';
import { metadataResponse } from '../metadata.js';
import type { PlatformState } from '../platform-state.js';
import { HttpEndpoint } from './http-endpoint.js';

export function metadataEndpoint({
  sims,
  groups,
}: Pick<PlatformState, 'sims' | 'groups'>): HttpEndpoint {
  return new HttpEndpoint(sims, (sim, { method = '', url = '' }, response) => {
    const [path = ''] = url.split('?');
    sendResponse(response, metadataResponse(groups, sim, { method, path }));
  });
}
