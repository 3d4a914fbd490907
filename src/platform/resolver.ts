import { lookup } from 'node:dns/promises';

import type { Resolver } from '../tunnel/ports.js';

/** The system's own resolver, with /etc/hosts and all. */
export const systemResolver: Resolver = {
  async resolve(host) {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    return found.map(({ address }) => address);
  },
};
