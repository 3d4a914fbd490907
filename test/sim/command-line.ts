import { parseArgs } from 'node:util';

/**
 * Reads options that are whole numbers, such as `--seed 5`, or their defaults. After `--help` or a
 * wrong option, prints the usage and ends the process.
 */
export function readNumbers<Name extends string>(
  usage: string,
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  try {
    const entries = Object.entries<number>(defaults);
    const options = Object.fromEntries(
      entries.map(([name]) => [name, { type: 'string' as const }]),
    );
    if (process.argv.includes('--help')) return end(0, usage);
    const values = parseArgs({ options }).values as Record<string, string | undefined>;
    const numbers = entries.map(([name, usual]) => {
      const text = values[name];
      if (text === undefined) return [name, usual] as const;
      if (!/^\d{1,15}$/.test(text)) throw new Error(`--${name} must be a whole number`);
      return [name, Number(text)] as const;
    });
    return Object.fromEntries(numbers) as Record<Name, number>;
  } catch (error) {
    return end(2, `${(error as Error).message}\n\n${usage}`);
  }
}

function end(status: number, text: string): never {
  console.error(text);
  process.exit(status);
}
