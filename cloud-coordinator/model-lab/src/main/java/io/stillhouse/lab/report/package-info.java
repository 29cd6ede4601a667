/** What a compression was measured to do, as a document for programs and a page for people. */
@NullMarked
package io.stillhouse.lab.report;

import org.jspecify.annotations.NullMarked;
