import type { HandlerMap } from 'openapi-backend';

import { formatKey } from '../../../lib/text/key-text.js';
import type { HttpResponse } from '../../http-response.js';
import type { PlatformState } from '../../platform-state.js';
import { REFUSALS } from '../refusals.js';
import { type ArcServerInfo, sessionJson } from '../sim-json.js';

/** Returns the handler of Krypton's bootstrapArc. Every caller is treated as the physical SIM. */
export function kryptonOperations(state: PlatformState, arcServer: ArcServerInfo): HandlerMap {
  return {
    bootstrapArc: (): HttpResponse => {
      if (state.sims.line().status === 'terminated') return REFUSALS.simTerminated;
      const { sim, privateKey } = state.sims.bootstrapLine();
      // Krypton omits the client's public key, which the client derives from the private key.
      const session = sessionJson(sim, arcServer);
      const arcClientPeerPrivateKey = formatKey(privateKey.expose());
      const body = { ...session, arcClientPeerPublicKey: undefined, arcClientPeerPrivateKey };
      return { status: 200, body };
    },
  };
}
