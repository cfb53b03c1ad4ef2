/// Every capacity and bound of this module, in one place.
package enum KubeIndexLimits {}
