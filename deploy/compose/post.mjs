/** Posts a reading every minute through arctun, until it is stopped. */
import { setTimeout } from 'node:timers/promises';

const { ENDPOINT = 'http://127.0.0.1:8888/', INTERVAL = '60' } = process.env;

// A container's first process ignores a signal unless it has a handler.
process.on('SIGTERM', () => process.exit(0));

for (;;) {
  const body = JSON.stringify({ uptime: Math.round(process.uptime()) });
  const headers = { 'Content-Type': 'application/json' };
  try {
    const { status } = await fetch(ENDPOINT, { method: 'POST', headers, body });
    console.log(`${body}: ${status}`);
  } catch (error) {
    console.error(`${body}: ${error.cause?.message ?? error.message}`);
  }
  await setTimeout(Number(INTERVAL) * 1_000);
}
