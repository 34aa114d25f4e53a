/** 全部文字，每部分一个文件。 */

import detail from "./zh/detail.js";
import indexing from "./zh/indexing.js";
import models from "./zh/models.js";
import review from "./zh/review.js";
import search from "./zh/search.js";
import shell from "./zh/shell.js";
import tags from "./zh/tags.js";

export default { ...shell, ...search, ...detail, ...tags, ...review, ...indexing, ...models };
