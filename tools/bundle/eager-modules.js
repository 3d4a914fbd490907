/**
 * Makes V8 compile a bundle's modules together with the bundle. Otherwise, V8 would only pre-parse
 * each module, as a function that may never be called, and compile the module when it is loaded.
 * The executable contains only code that was compiled with the bundle.
 */
import ts from 'typescript';

/**
 * @param code esbuild's output, in which each module is a top-level `name = wrapper(() => { … })`
 * @returns the code with parentheses around these functions, so that V8 compiles them eagerly
 */
export function withEagerModules(code) {
  const file = ts.createSourceFile('', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const parts = [];
  let end = 0;
  for (const module of file.statements.flatMap(modulesIn)) {
    const start = module.getStart(file);
    parts.push(code.slice(end, start), '(', code.slice(start, module.end), ')');
    end = module.end;
  }
  parts.push(code.slice(end));
  return parts.join('');
}

function modulesIn(statement) {
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ initializer }) => {
    if (initializer === undefined || !ts.isCallExpression(initializer)) return [];
    const [module, ...others] = initializer.arguments;
    return others.length === 0 && module !== undefined && ts.isArrowFunction(module)
      ? [module]
      : [];
  });
}
