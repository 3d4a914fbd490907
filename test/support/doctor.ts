/** Runs `arctun doctor`. */
import { ARCTUN, type Processes } from './processes.js';

export interface DoctorCheck {
  readonly name: string;
  readonly outcome: 'ok' | 'failed' | 'skipped';
  readonly text: string;
  readonly kind?: string;
  readonly cause?: string;
  readonly remedy?: string;
}

export interface DoctorRun {
  readonly code: number | null;
  readonly stderr: string;
  readonly checks: readonly DoctorCheck[];
  /** The failed checks. */
  readonly problems: readonly DoctorCheck[];
}

/** The start of the command, which may enter a namespace; the folder and environment to run in. */
export interface Place {
  readonly prefix?: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
}

export class Doctor {
  readonly #processes: Processes;
  readonly #place: () => Place;

  constructor(processes: Processes, place: () => Place) {
    this.#processes = processes;
    this.#place = place;
  }

  async examine(
    parameters: readonly string[] = [],
    change: Partial<Place> = {},
  ): Promise<DoctorRun> {
    const { prefix = [], ...options } = { ...this.#place(), ...change };
    const command = [...prefix, process.execPath, ARCTUN, 'doctor', '--json', ...parameters];
    const { code, stdout, stderr } = await this.#processes.run(command, options);
    if (stdout === '') throw new Error(`no output: ${stderr}`);
    const { checks } = JSON.parse(stdout) as { checks: DoctorCheck[] };
    return { code, stderr, checks, problems: checks.filter(({ outcome }) => outcome === 'failed') };
  }

  /** Requires that all checks succeed, except those that may be skipped. */
  async expectHealthy(
    parameters: readonly string[] = [],
    mayBeSkipped: readonly string[] = [],
    change: Partial<Place> = {},
  ): Promise<void> {
    const { code, checks } = await this.examine(parameters, change);
    const odd = checks.filter(
      ({ name, outcome }) =>
        outcome !== 'ok' && !(outcome === 'skipped' && mayBeSkipped.includes(name)),
    );
    expect(odd).toEqual([]);
    expect(code).toBe(0);
  }

  /** Requires exactly this problem. */
  async expectProblem(
    expected: { readonly name: string; readonly code: number; readonly cause: RegExp },
    parameters: readonly string[] = [],
    change: Partial<Place> = {},
  ): Promise<DoctorCheck> {
    const { code, problems } = await this.examine(parameters, change);
    expect(problems.map(({ name, text }) => [name, text])).toEqual([
      [expected.name, expect.any(String)],
    ]);
    const [problem] = problems;
    expect(problem!.cause).toMatch(expected.cause);
    expect(problem!.remedy).not.toBe('');
    expect(code).toBe(expected.code);
    return problem!;
  }
}
