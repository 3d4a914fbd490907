/** Whether the text of a block is of its language. */
import ts from 'typescript';
import { parse as parseYaml } from 'yaml';

/** Languages that are read and not run. */
const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  json: (text) => JSON.parse(text) as unknown,
  yaml: (text) => parseYaml(text) as unknown,
  ini: checkIni,
  systemd: checkIni,
  js: (text) => transpiled(text),
  mjs: (text) => transpiled(text),
  ts: (text) => transpiled(text),
};

/** Languages without a parser here, which a page may show. */
const UNPARSED = new Set(['sh', 'py', 'python', 'dockerfile', 'text', 'toml', 'xml', 'nginx']);

/** @throws Error with what is wrong */
export function checkSyntax(language: string, text: string): void {
  const parse = PARSERS[language];
  if (parse !== undefined) parse(text);
  else if (!UNPARSED.has(language)) throw new Error(`unknown language ${language}`);
}

/** The JavaScript of a block of TypeScript or JavaScript. */
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

/** Sections, assignments and comments, each on a line of its own. */
function checkIni(text: string): void {
  for (const line of text.split('\n'))
    if (!/^(\s*|[#;].*|\[[^\]]+\]|[^=\s]+ ?=.*)$/.test(line)) throw new Error(`not ini: ${line}`);
}

/** The packages that a block imports. */
export function importsOf(text: string): string[] {
  const found = text.matchAll(/from '((?:@[\w.-]+\/)?[\w.-]+)/g);
  return [...found].map(([, name = '']) => name);
}
