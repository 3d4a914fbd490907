/** The fenced blocks of a Markdown page, with the markers that say how each block runs. */
import type { Code, Nodes, Parents } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';

export interface Block {
  readonly kind: 'block';
  /** The line of the fence; the first line of the page is 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Why the block is not run. */
  readonly notRun?: string;
  /** The terminal in which the block runs until the page ends, or whose output a `text` block shows. */
  readonly terminal?: string;
  /** The file to which the block is written. */
  readonly file?: string;
  /** The expected exit code. */
  readonly exit: number;
}

/** Fixtures that run for the rest of the page. */
export interface Fixtures {
  readonly kind: 'with';
  readonly line: number;
  readonly names: readonly string[];
}

export type Step = Block | Fixtures;

/** An error in a page; the message contains the line. */
export class PageError extends Error {
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = 'PageError';
  }
}

const COMMENT = /<!--([^]*?)-->/g;
const MARKER = /^\s*(not run|with|terminal|file|exit): *([^]*?)\s*$/;
const UNKNOWN = /^\s*([a-z][a-z ]*):/;
type Marker = 'not run' | 'terminal' | 'file' | 'exit';

/** @throws PageError if a fence lacks a language, or if a marker is unknown or not before a block */
export function stepsOf(page: string): Step[] {
  return withoutOutput(stepsBelow(fromMarkdown(page)));
}

/** Skips the output of skipped blocks, because there is no output to compare. */
function withoutOutput(steps: readonly Step[]): Step[] {
  let isRun = true;
  return steps.map((step) => {
    if (step.kind === 'with') return step;
    const isOutput = step.language === 'text' && step.file === undefined;
    if (!isOutput || step.terminal !== undefined) isRun = step.notRun === undefined;
    return isRun || step.notRun !== undefined ? step : { ...step, notRun: 'output of that block' };
  });
}

function stepsBelow(parent: Parents): Step[] {
  const steps: Step[] = [];
  let markers = new Map<Marker, string>();
  for (const node of parent.children as Nodes[]) {
    const { line } = node.position!.start;
    if (node.type === 'html') {
      for (const [, comment = ''] of node.value.matchAll(COMMENT)) {
        const [, key, value = ''] = MARKER.exec(comment) ?? [];
        if (key === 'with') steps.push({ kind: 'with', line, names: value.split(/\s+/) });
        else if (key !== undefined) markers.set(key as Marker, value);
        else if (UNKNOWN.test(comment)) throw new PageError(line, `unknown marker:${comment}`);
      }
      continue;
    }
    if (node.type === 'code') steps.push(blockOf(node, markers));
    else if (markers.size > 0) throw new PageError(line, 'a marker is not followed by a block');
    markers = new Map();
    if ('children' in node) steps.push(...stepsBelow(node));
  }
  return steps;
}

function blockOf(node: Code, markers: ReadonlyMap<Marker, string>): Block {
  const { line } = node.position!.start;
  const language = node.lang ?? '';
  if (language === '') throw new PageError(line, 'a block has no language');
  const notRun = markers.get('not run');
  if (notRun === '') throw new PageError(line, '"not run" needs a reason');
  const terminal = markers.get('terminal');
  const file = markers.get('file');
  const exit = Number(markers.get('exit') ?? 0);
  if (!Number.isInteger(exit)) throw new PageError(line, '"exit" needs a number');
  return {
    kind: 'block',
    line,
    language,
    text: `${node.value}\n`,
    exit,
    ...(notRun !== undefined && { notRun }),
    ...(terminal !== undefined && { terminal }),
    ...(file !== undefined && { file }),
  };
}

/**
 * Returns the first line of `expected` that is missing in `output`; undefined if `output` contains all
 * lines in this order. `…` matches any text within a line, and a line of only `…` any number of lines.
 */
export function missingLine(expected: string, output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd());
  let next = 0;
  for (const wanted of expected.split('\n').map((line) => line.trimEnd())) {
    if (wanted === '' || wanted === '…') continue;
    const pattern = new RegExp(`^${wanted.split('…').map(escaped).join('.*')}$`);
    const found = lines.findIndex((line, index) => index >= next && pattern.test(line));
    if (found < 0) return wanted;
    next = found + 1;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
