// Builds one HTML file with everything in it: the same input gives the same bytes.
//
//     node build.mjs OUTPUT

import * as esbuild from "esbuild";
import { writeFileSync } from "node:fs";

const common = { bundle: true, minify: true, write: false, legalComments: "none", charset: "utf8" };
const js = await esbuild.build({
  ...common,
  target: "es2022",
  entryPoints: ["src/main.tsx"],
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
});
const css = await esbuild.build({ ...common, entryPoints: ["src/style.css"] });
const script = js.outputFiles[0].text.trim();
const style = css.outputFiles[0].text.trim();
for (const [text, end] of [
  [script, /<\/script|<!--/i],
  [style, /<\/style|<!--/i],
])
  if (end.test(text)) throw new Error(`the bundle holds ${end} and cannot stand in the page`);

writeFileSync(
  process.argv[2],
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<!--policy-->
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Evaluation</title>
<style>${style}</style>
</head>
<body>
<main id="page"></main>
<!--data-->
<script>${script}</script>
</body>
</html>
`,
);
