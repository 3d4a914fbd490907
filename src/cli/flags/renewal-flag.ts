import { grouped } from './flag.js';

/** Whether a session that has ended is replaced. */
export const renewalFlag = grouped('SORACOM API', {
  'no-renew': {
    type: 'boolean',
    description: 'Do not ask the SORACOM API for a new session when the Arc server is silent.',
    env: 'ARCTUN_NO_RENEW',
  },
});
