/** What several tests of the lab share: a plain reference and small networks. */
@org.jspecify.annotations.NullMarked
package io.stillhouse.lab.testing;
