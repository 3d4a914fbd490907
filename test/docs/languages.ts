/** Checks the syntax of blocks. */
import ts from 'typescript';
import { parse as parseYaml } from 'yaml';

/** A parser for each language whose syntax is checked. */
const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  json: (text) => JSON.parse(text) as unknown,
  yaml: (text) => parseYaml(text) as unknown,
  ini: checkIni,
  systemd: checkIni,
  js: (text) => transpiled(text),
  mjs: (text) => transpiled(text),
  ts: (text) => transpiled(text),
};

/** Languages that pages may contain and whose syntax is not checked. */
const UNPARSED = new Set(['sh', 'py', 'python', 'dockerfile', 'text', 'toml', 'xml', 'nginx']);

/** @throws Error with the syntax error */
export function checkSyntax(language: string, text: string): void {
  const parse = PARSERS[language];
  if (parse !== undefined) parse(text);
  else if (!UNPARSED.has(language)) throw new Error(`unknown language ${language}`);
}

/** Converts a block of TypeScript or JavaScript to JavaScript. */
export function transpiled(text: string): string {
  const { outputText, diagnostics = [] } = ts.transpileModule(text, {
    fileName: 'block.mts',
    reportDiagnostics: true,
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  const [fault] = diagnostics;
  if (fault !== undefined) throw new Error(ts.flattenDiagnosticMessageText(fault.messageText, ' '));
  return outputText;
}

/** Accepts sections, assignments and comments, one on each line. */
function checkIni(text: string): void {
  for (const line of text.split('\n'))
    if (!/^(\s*|[#;].*|\[[^\]]+\]|[^=\s]+ ?=.*)$/.test(line)) throw new Error(`not ini: ${line}`);
}

/** Returns the packages that a block imports. */
export function importsOf(text: string): string[] {
  const found = text.matchAll(/from '((?:@[\w.-]+\/)?[\w.-]+)/g);
  return [...found].map(([, name = '']) => name);
}
