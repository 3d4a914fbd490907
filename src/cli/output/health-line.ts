import type { HealthAnswer } from '../../app/status/check-health.js';
import { EXIT_CODES } from '../errors/exit-codes.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { renderText } from './render.js';

/** Formats the health of a tunnel on one line: `soratun0: stale: …`. */
export function healthLine({ health, name, why }: HealthAnswer): string {
  const text = [name, health, why].filter((part) => part !== undefined).join(': ');
  return renderText(redactText(`${text.replaceAll('\n', ' ')}\n`));
}

export function healthCode({ health }: HealthAnswer): number {
  if (health === 'up') return 0;
  return health === 'none' ? EXIT_CODES.failed : EXIT_CODES.tunnel;
}
